package redact

import (
	"slices"
	"strings"
	"testing"
)

func TestArgs(t *testing.T) {
	for _, tt := range []struct {
		name string
		in   []string
		want []string
	}{
		{"url_password", []string{"--index-url", "https://u:s3cret@h/simple"}, []string{"--index-url", "https://***@h/simple"}},
		{"url_token", []string{"git+https://s3cret@github.com/a/b@v1"}, []string{"git+https://***@github.com/a/b@v1"}},
		{"url_token_colon", []string{"https://s3cret:@h"}, []string{"https://***@h"}},
		{"url_at_in_password", []string{"https://u:s3@cret@h/"}, []string{"https://***@h/"}},
		{"url_slash_in_password", []string{"https://u:s3/s3cret@h/"}, []string{"https://***@h/"}},
		{"url_space_in_password", []string{"https://u:s3 s3cret@h/"}, []string{"https://*** ***"}},
		{"url_ssh_user", []string{"git+ssh://git@github.com/a/b"}, []string{"git+ssh://git@github.com/a/b"}},
		{"url_ssh_password", []string{"ssh://git:s3cret@github.com/a/b"}, []string{"ssh://***@github.com/a/b"}},
		{"url_plain", []string{"https://h:8080/a@b", "http://[::1]:80/a@b", "file:///a@b"}, []string{"https://h:8080/a@b", "http://[::1]:80/a@b", "file:///a@b"}},
		{"url_query", []string{"https://h/a?x=1&token=s3cret"}, []string{"https://h/a?x=1&token=***"}},
		{"url_amz", []string{"https://h/a?X-Amz-Signature=s3cret"}, []string{"https://h/a?X-Amz-Signature=***"}},
		{"url_named", []string{"--index=own=https://u:s3cret@h/"}, []string{"--index=own=https://***@h/"}},
		{"url_requirement", []string{"a @ https://s3cret@h/a.whl#sha256=12"}, []string{"a @ https://***@h/a.whl#sha256=12"}},
		{"url_two", []string{"https://s3cret@h,https://s3cret@g"}, []string{"https://***@h,https://***@g"}},
		{"option_next", []string{"--token", "s3cret", "x"}, []string{"--token", "***", "x"}},
		{"option_equals", []string{"--password=s3cret"}, []string{"--password=***"}},
		{"option_dash_value", []string{"--token", "-s3cret"}, []string{"--token", "***"}},
		{"option_then_option", []string{"--password", "--quiet"}, []string{"--password", "--quiet"}},
		{"option_key", []string{"--api-key", "s3cret"}, []string{"--api-key", "***"}},
		{"option_keyring", []string{"--keyring-provider", "subprocess"}, []string{"--keyring-provider", "subprocess"}},
		{"publish_short", []string{"uv", "publish", "-t", "s3cret", "-ps3cret", "-p=s3cret"}, []string{"uv", "publish", "-t", "***", "-p***", "-p***"}},
		{"run_short", []string{"uv", "run", "-p", "3.12"}, []string{"uv", "run", "-p", "3.12"}},
		{"auth_short", []string{"uv", "auth", "login", "h", "-t", "s3cret"}, []string{"uv", "auth", "login", "h", "-t", "***"}},
		{"env_index", []string{"env", "UV_INDEX_OWN_PASSWORD=s3cret", "uv"}, []string{"env", "UV_INDEX_OWN_PASSWORD=***", "uv"}},
		{"env_nested", []string{"-e=UV_PUBLISH_TOKEN=s3cret"}, []string{"-e=UV_PUBLISH_TOKEN=***"}},
		{"env_name_only", []string{"-e", "UV_PUBLISH_TOKEN", "x"}, []string{"-e", "UV_PUBLISH_TOKEN", "x"}},
		{"env_secret", []string{"MY_SECRET=s3cret", "AWS_SECRET_ACCESS_KEY=s3cret", "SORT=a"}, []string{"MY_SECRET=***", "AWS_SECRET_ACCESS_KEY=***", "SORT=a"}},
		{"shell_words", []string{"sh", "-c", "A_TOKEN='s3cret s3cret' uv add x --token s3cret y"}, []string{"sh", "-c", "A_TOKEN=*** *** uv add x --token *** y"}},
		{"shell_apostrophe", []string{"sh", "-c", "echo don't --token s3cret can't"}, []string{"sh", "-c", "echo don't --token *** can't"}},
		{"shell_last", []string{"sh -c --token", "s3cret"}, []string{"sh -c --token", "***"}},
		{"code_assignment", []string{"python", "-c", "token = \"s3cret\"\nprint(1)"}, []string{"python", "-c", "token = ***\nprint(1)"}},
		{"code_environ", []string{`os.environ["TOKEN"]="s3cret"`}, []string{`os.environ["TOKEN"]=***`}},
		{"code_names", []string{"bearer='s3cret'", "cookie='s3cret'", "pat='s3cret'", "pwd='s3cret'", "sig='s3cret'"}, []string{"bearer=***", "cookie=***", "pat=***", "pwd=***", "sig=***"}},
		{"option_quotes_only", []string{`--password="'"`, "--offline"}, []string{"--password=***", "--offline"}},
		{"header_quotes_only", []string{`password:"["`}, []string{"password:***"}},
		{"json_value", []string{`{"token": "s3cret s3cret"}`}, []string{`{"token": *** ***`}},
		{"header_bearer", []string{"-H", "Authorization: Bearer s3cret"}, []string{"-H", "Authorization: *** ***"}},
		{"header_private", []string{"PRIVATE-TOKEN:s3cret"}, []string{"PRIVATE-TOKEN:***"}},
		{"header_private_spaced", []string{"private-token : s3cret", "api-key := s3cret"}, []string{"private-token : ***", "api-key := ***"}},
		{"next_is_quoted", []string{"sh", "-c", "uv publish --token 's3cret s3cret' x"}, []string{"sh", "-c", "uv publish --token *** *** x"}},
		{"option_in_line_then_option", []string{"uv publish --password --quiet x"}, []string{"uv publish --password --quiet x"}},
		{"url_behind_path_list", []string{"A=/a:/b:https:/u:s3cret@h/"}, []string{"A=/a:/b:https:/***@h/"}},
		{"url_at_in_query", []string{"https://h?a=b@c", "https://h#a@c", `https://h\a@c`}, []string{"https://h?a=b@c", "https://h#a@c", `https://h\a@c`}},
		{"shape_short", []string{"ghp_short", "glpat-x"}, []string{"ghp_short", "glpat-x"}},
		{"version_kept", []string{"keyring==25.1", "my-token==1.0", "auth>=2", "tokenizers"}, []string{"keyring==25.1", "my-token==1.0", "auth>=2", "tokenizers"}},
		{"module_kept", []string{"app.auth:router"}, []string{"app.auth:router"}},
		{"hash_kept", []string{"--hash=sha256:abc"}, []string{"--hash=sha256:abc"}},
		{"shape_pypi", []string{"x", "pypi-AgEIcHlwaS5vcmcCJGs3cret"}, []string{"x", "***"}},
		{"shape_github", []string{"ghp_0123456789abcdefs3cret"}, []string{"***"}},
		{"bytes_odd", []string{"\xff--token=s3cret", ""}, []string{"\xff--token=***", ""}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := slices.Clone(tt.in)
			got := Args(in)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if strings.Contains(strings.Join(got, "\n"), "s3") {
				t.Errorf("%q holds a secret", got)
			}
			if again := Args(got); !slices.Equal(again, got) {
				t.Errorf("a second time gives %q", again)
			}
			if !slices.Equal(in, tt.in) {
				t.Error("the caller's argv was changed")
			}
		})
	}
}

func FuzzRedact(f *testing.F) {
	for _, s := range []string{"uv add https://u:p@h", "--token\nx", "a='b c' d", "TOKEN: x\ny", "-p", "://:x@", "key=\"a"} {
		f.Add(s, "hunter2hunter2")
	}
	f.Fuzz(func(t *testing.T, around, secret string) {
		argv := strings.Split(around, "\n")
		once := Args(argv)
		if len(once) != len(argv) {
			t.Fatalf("%d arguments became %d", len(argv), len(once))
		}
		// what is certain: a secret without space in its four usual places never survives
		if strings.ContainsAny(secret, " \t\r\n") || len(secret) < 8 || strings.HasPrefix(secret, "--") || strings.HasPrefix(secret, "=") ||
			strings.Contains(around, secret) || strings.ContainsAny(secret, "/@\\?#") {
			return
		}
		with := Args(append(argv, "--", "--token", secret, "--password="+secret, "UV_INDEX_X_PASSWORD="+secret, "https://u:"+secret+"@h/"))
		for _, arg := range with[len(argv):] {
			if strings.Contains(arg, secret) {
				t.Errorf("%q holds the secret", arg)
			}
		}
	})
}
