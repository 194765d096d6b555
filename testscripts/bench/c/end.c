// Ends at once, whatever it is called with: what a warm call comes to.
int main(void)
{
	return 0;
}
