package redact

import (
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"plain", "numpy 2.5.5 needs libstdc++.so.6", "numpy 2.5.5 needs libstdc++.so.6"},
		{"url_quoted", `UV_PYTHON is "https://u:s3cret@h/x", which is none`, `UV_PYTHON is "https://***@h/x", which is none`},
		{"url_space", `at https://u:s3 s3cret@h/x: passed over`, `at https://***@h/x: passed over`},
		{"url_space_other_line", "see https://h:x\n  me@h", "see https://***\n  me@h"},
		{"url_cleaned", "/home/me/https:/u:s3cret@h/x is not there", "/home/me/https:/***@h/x is not there"},
		{"url_git", "git+https://s3cret@github.com/a/b@v1:", "git+https://***@github.com/a/b@v1:"},
		{"url_git_cleaned", "git+https:/s3cret@h/b@v1", "git+https:/***@h/b@v1"},
		{"url_revision", "git+https://github.com/a/b@v1", "git+https://github.com/a/b@v1"},
		{"url_ssh_user", "git+ssh://git@h/a", "git+ssh://git@h/a"},
		{"url_brackets", "(https://u:s3cret@h/)", "(https://***@h/)"},
		{"path_list", "PATH=/a:/b@c:/d", "PATH=/a:/b@c:/d"},
		{"path_like_scheme", "/x/myhttp:/a@b", "/x/myhttp:/a@b"},
		{"variable", "UV_INDEX_OWN_PASSWORD=s3cret is set", "UV_INDEX_OWN_PASSWORD=*** is set"},
		{"variable_quoted", `unset "UV_PUBLISH_TOKEN=s3cret"`, `unset "UV_PUBLISH_TOKEN=***"`},
		{"variable_empty", "set UV_PUBLISH_TOKEN=… for it", "set UV_PUBLISH_TOKEN=… for it"},
		{"option_word", "uv publish --token s3cret x", "uv publish --token *** x"},
		{"option_equals", "--password=s3cret", "--password=***"},
		{"option_named", "uv has no --token, and no --password: none", "uv has no --token, and no --password: none"},
		{"option_then_option", "uv publish --token --quiet x", "uv publish --token --quiet x"},
		{"option_in_quotes", `"uv publish" ("--token s3cret)`, `"uv publish" ("--token ***`},
		{"option_with_stop", "there is no --token. That is", "there is no --token. That is"},
		{"option_weak", "--key library and --auth none", "--key library and --auth none"},
		{"variable_weak", "SORT_KEY=name PWD=/home/me", "SORT_KEY=name PWD=/home/me"},
		{"shape", "ghp_s3s3s3s3s3s3s3s3s3 it is", "*** it is"},
		{"words", "the key: value of secret: things", "the key: value of secret: things"},
		{"requirement", "keyring==25.1 and token==1", "keyring==25.1 and token==1"},
		{"address", "mail me@example.org", "mail me@example.org"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Text(tt.in)
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if strings.Contains(got, "s3") {
				t.Errorf("%q holds a secret", got)
			}
			if again := Text(got); again != got {
				t.Errorf("a second time gives %q", again)
			}
		})
	}
}
