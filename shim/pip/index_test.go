package pip

import (
	"strings"
	"testing"
)

// Each row is a configuration of pip and of uv; a call is refused where uv would take packages from
// other places, with fewer constraints or fewer hashes.
func TestIndexes(t *testing.T) {
	const (
		corp = "PIP_INDEX_URL=https://corp/simple"
		ok   = "" // not refused
	)
	for _, tt := range []struct{ name, env, files, line, want string }{
		{"nothing", "", "", "install x", ok},
		{"uv_alone", "UV_INDEX_URL=https://corp/simple UV_INDEX=https://b/s", "", "install x", ok},
		{"pypi_by_name", "PIP_INDEX_URL=https://pypi.org/simple/", "", "install x", ok},
		{"pypi_by_name_uv_another", "PIP_INDEX_URL=https://pypi.org/simple/ UV_INDEX_URL=https://corp/s", "", "install x",
			`PIP_INDEX_URL sets index-url to "https://pypi.org/simple/", and uv does not go by it / to have uv do it as well: export UV_DEFAULT_INDEX="$PIP_INDEX_URL"`},
		{"variable", corp, "", "install x", `PIP_INDEX_URL sets index-url to "https://corp/simple", and uv does not go by it / to have uv do it as well: export UV_DEFAULT_INDEX="$PIP_INDEX_URL" / ` + unread},
		{"variable_secret", "PIP_INDEX_URL=https://me:pw@corp/simple", "", "install x", `PIP_INDEX_URL sets index-url to "https://***@corp/simple"`},
		{"variable_alias", "PIP_PYPI_URL=https://corp/simple", "", "install x", `export UV_DEFAULT_INDEX="$PIP_PYPI_URL"`},
		{"file", "", user + "[global]\n# ours\nindex-url = https://me:pw@corp/simple\n", "install x",
			`@/home/.config/pip/pip.conf:3 sets index-url to "https://***@corp/simple", and uv does not go by it / to have uv do it as well: export UV_DEFAULT_INDEX='https://***@corp/simple' / *** stands for the name and password there / ` + unread},
		{"same_default", corp + " UV_DEFAULT_INDEX=https://corp/simple", "", "install x", ok},
		{"same_named", corp + " UV_DEFAULT_INDEX=corp=https://corp/simple/", "", "install x", ok},
		{"same_index_url", corp + " UV_INDEX_URL=https://CORP:443/simple", "", "install x", ok},
		{"same_without_secret", "PIP_INDEX_URL=https://me:pw@corp/simple UV_INDEX_URL=https://corp/simple", "", "install x", ok},
		{"same_path", "PIP_INDEX_URL=file:///i/x UV_INDEX_URL=/i/./x", "", "install x", ok},
		{"another_scheme", corp + " UV_INDEX_URL=http://corp/simple", "", "install x", "PIP_INDEX_URL sets"},
		{"another_port", corp + " UV_INDEX_URL=https://corp:8/simple", "", "install x", "PIP_INDEX_URL sets"},
		{"another_path", corp + " UV_INDEX_URL=https://corp/simpler", "", "install x", "PIP_INDEX_URL sets"},
		{"default_over_index_url", corp + " UV_INDEX_URL=https://corp/simple UV_DEFAULT_INDEX=https://b/s", "", "install x", "PIP_INDEX_URL sets"},
		{"uv_has_more", corp + " UV_INDEX_URL=https://corp/simple UV_INDEX=https://b/s", "", "install x", `uv would take packages from "https://b/s", which UV_INDEX names, and pip would not`},
		{"uv_has_more_extra", corp + " UV_INDEX_URL=https://corp/simple UV_EXTRA_INDEX_URL=https://b/s", "", "install x", `which UV_EXTRA_INDEX_URL names`},
		{"uv_has_more_links", corp + " UV_INDEX_URL=https://corp/simple UV_FIND_LINKS=/w", "", "install x", `which UV_FIND_LINKS names`},
		{"uv_has_more_torch", corp + " UV_INDEX_URL=https://corp/simple UV_TORCH_BACKEND=cpu", "", "install x", `which UV_TORCH_BACKEND names`},
		{"uv_has_the_same_twice", corp + " UV_INDEX_URL=https://corp/simple UV_INDEX=corp=https://corp/simple", "", "install x", ok},

		{"extra", "PIP_EXTRA_INDEX_URL=https://b/s", "", "install x", `to have uv do it as well: export UV_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL" / of several indexes uv takes the first`},
		{"extra_same", "PIP_EXTRA_INDEX_URL=https://b/s UV_EXTRA_INDEX_URL=https://b/s", "", "install x", ok},
		{"extra_same_index", "PIP_EXTRA_INDEX_URL=https://b/s UV_INDEX=b=https://b/s", "", "install x", ok},
		{"extra_one_of_two", "PIP_EXTRA_INDEX_URL=https://b/s UV_EXTRA_INDEX_URL=https://b/s UV_INDEX=https://c/s", "", "install x", "UV_INDEX names"},
		{"extra_two", "", user + "[global]\nextra-index-url =\n https://b/s\n https://u:p@c/s\n", "install x", `export UV_EXTRA_INDEX_URL='https://b/s https://***@c/s'`},
		{"extra_and_line", "PIP_EXTRA_INDEX_URL=https://b/s UV_EXTRA_INDEX_URL=https://b/s", "", "install --extra-index-url https://c/s x",
			`PIP_EXTRA_INDEX_URL sets extra-index-url to "https://b/s", and uv does not go by it / to have uv do it as well: export UV_EXTRA_INDEX_URL="$PIP_EXTRA_INDEX_URL" / with --extra-index-url on the command line uv leaves UV_EXTRA_INDEX_URL out`},
		{"extra_and_line_both", "PIP_EXTRA_INDEX_URL=https://b/s", "", "install --extra-index-url https://c/s --extra-index-url https://b/s x", ok},

		{"line", "UV_INDEX_URL=https://corp/s UV_DEFAULT_INDEX=https://d/s", "", "install -i https://a/s x", ok},
		{"line_over_variable", corp, "", "install -i https://a/s x", ok},
		{"line_and_uv_extra", "UV_EXTRA_INDEX_URL=https://b/s", "", "install -i https://a/s x", "which UV_EXTRA_INDEX_URL names"},
		{"line_links", "UV_INDEX_URL=https://corp/s", "", "install -f ./w x", ok},
		{"line_links_and_uv", "UV_FIND_LINKS=/other", "", "install -f ./w x", ok}, // uv's own value gives way
		{"line_links_comma", "", "", "install -f ./w,v x", `the command line sets find-links to "./w,v"`},

		{"no_index", "PIP_NO_INDEX=1", "", "install x", "PIP_NO_INDEX sets no-index to \"true\", and uv does not go by it / on the command line: --no-index"},
		{"no_index_no", "PIP_NO_INDEX=0", "", "install x", ok},
		{"no_index_line", "PIP_NO_INDEX=1 UV_INDEX=https://b/s", "", "install --no-index x", ok},
		{"no_index_uv", "PIP_NO_INDEX=1", "@/home/.config/uv/uv.toml\n[pip]\nno-index = true\n", "install x", ok},
		{"no_index_uv_links", "PIP_NO_INDEX=1 UV_FIND_LINKS=/w", "", "install --no-index x", "which UV_FIND_LINKS names"},
		{"no_index_and_index", corp + " PIP_NO_INDEX=1", "", "install --no-index x", ok},
		{"links", "PIP_FIND_LINKS=/w", "", "install x", `export UV_FIND_LINKS="$PIP_FIND_LINKS"`},
		{"links_same", "PIP_FIND_LINKS=/w UV_FIND_LINKS=file:///w/", "", "install x", ok},
		{"links_two", "PIP_FIND_LINKS=/w\t/v", "", "install x", "export UV_FIND_LINKS=/w,/v"},
		{"links_two_same", "PIP_FIND_LINKS=/w\t/v UV_FIND_LINKS=/v,/w", "", "install x", ok},

		{"uv_toml_user", corp, "@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n", "install x", ok},
		{"uv_toml_index", corp, "@/home/.config/uv/uv.toml\n[[index]]\nurl = \"https://corp/simple\"\ndefault = true\n", "install x", ok},
		{"uv_toml_explicit", corp, "@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n[[index]]\nurl = \"https://b/s\"\nexplicit = true\n", "install x", ok},
		{"uv_toml_more", corp, "@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n[[index]]\nurl = \"https://b/s\"\n", "install x", `"https://b/s", which @/home/.config/uv/uv.toml names`},
		{"uv_toml_pip_first", corp, "@/home/.config/uv/uv.toml\nindex-url = \"https://b/s\"\n[pip]\nindex-url = \"https://corp/simple\"\n", "install x", ok},
		{"uv_toml_variable_first", corp + " UV_INDEX_URL=https://b/s", "@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n", "install x", "PIP_INDEX_URL sets"},
		{"uv_toml_left_out", corp + " UV_NO_CONFIG=1", "@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n", "install x", "PIP_INDEX_URL sets"},
		{"uv_toml_named", corp + " UV_CONFIG_FILE=@/my.toml", "@/my.toml\nindex-url = \"https://corp/simple\"\n", "install x", ok},
		{"uv_toml_system", corp, "@/etc/uv/uv.toml\nindex-url = \"https://corp/simple\"\n", "install x", ok},
		{"uv_toml_broken", corp, "@/home/.config/uv/uv.toml\nindex-url = \n", "install x", "cannot tell which index uv would take"},
		{"uv_toml_links", "PIP_FIND_LINKS=@/w", "@/uv.toml\nfind-links = [\"w\"]\n", "install x", ok},
		{"uv_project", corp, "@/pyproject.toml\n[tool.uv]\nindex-url = \"https://corp/simple\"\n", "install x", ok},
		{"uv_project_both", corp, "@/pyproject.toml\n[tool.uv]\nindex-url = \"https://corp/simple\"\n\n@/uv.toml\nindex-url = \"https://b/s\"\n", "install x", "PIP_INDEX_URL sets"},
		{"uv_project_over_user", corp, "@/uv.toml\nindex-url = \"https://b/s\"\n\n@/home/.config/uv/uv.toml\nindex-url = \"https://corp/simple\"\n", "install x", "PIP_INDEX_URL sets"},

		{"requirements_index", "", "@/r.txt\n-i https://a/s\nx\n", "install -r r.txt", ok},
		{"requirements_over_variables", corp + " UV_INDEX_URL=https://corp/simple", "@/r.txt\n-i https://a/s\nx\n", "install -r r.txt", `@/r.txt:1 sets index-url to "https://a/s"`},
		{"requirements_over_line", "", "@/r.txt\n-i https://a/s\nx\n", "install -i https://b/s -r r.txt", `@/r.txt:1 sets`},
		{"requirements_extra", corp, "@/r.txt\n--extra-index-url https://a/s\nx\n", "install -r r.txt", "PIP_INDEX_URL sets"},
		{"requirements_links_below", "UV_FIND_LINKS=@/sub/w", "@/sub/r.txt\n-f w\nx\n", "install -r sub/r.txt", ok},
		{"requirements_links", "", "@/r.txt\n-f w\nx\n", "install -r r.txt", ok},

		{"outdated", corp, "", "list --outdated", "PIP_INDEX_URL sets"},
		{"outdated_not", corp, "", "list", ok},

		{"constraint", "PIP_CONSTRAINT=c.txt", "", "install x", `PIP_CONSTRAINT sets constraint to "c.txt", and uv does not go by it / to have uv do it as well: export UV_CONSTRAINT="$PIP_CONSTRAINT"`},
		{"constraint_file", "", global + "[install]\nconstraint = /c.txt\n", "install x", `@/etc/pip.conf:2 sets constraint to "/c.txt", and uv does not go by it / to have uv do it as well: export UV_CONSTRAINT=/c.txt`},
		{"constraint_same", "PIP_CONSTRAINT=c.txt UV_CONSTRAINT=@/c.txt", "", "install x", ok},
		{"constraint_more", "PIP_CONSTRAINT=c.txt UV_CONSTRAINT=d.txt\t@/c.txt", "", "install x", ok},
		{"constraint_other", "PIP_CONSTRAINT=c.txt UV_CONSTRAINT=d.txt", "", "install x", "PIP_CONSTRAINT sets"},
		{"constraint_line", "PIP_CONSTRAINT=c.txt UV_CONSTRAINT=c.txt", "", "install -c d.txt x", "PIP_CONSTRAINT sets"},
		{"constraint_line_both", "PIP_CONSTRAINT=c.txt", "", "install -c d.txt -c ./c.txt x", ok},
		{"build_constraint", "PIP_BUILD_CONSTRAINT=c.txt", "", "install x", "export UV_BUILD_CONSTRAINT="},
		{"hashes", "PIP_REQUIRE_HASHES=1", "", "install x", "PIP_REQUIRE_HASHES sets require-hashes to \"1\", and uv does not go by it / to have uv do it as well: export UV_REQUIRE_HASHES=1"},
		{"hashes_no", "PIP_REQUIRE_HASHES=0", "", "install x", ok},
		{"hashes_same", "PIP_REQUIRE_HASHES=1 UV_REQUIRE_HASHES=true", "", "install x", ok},
		{"hashes_same_not", "PIP_REQUIRE_HASHES=1 UV_REQUIRE_HASHES=false", "", "install x", "PIP_REQUIRE_HASHES sets"},
		{"hashes_line", "PIP_REQUIRE_HASHES=1", "", "install --require-hashes x", ok},
		{"proxy", "PIP_PROXY=http://u:p@p:3128", "", "install x", `PIP_PROXY sets proxy to "http://***@p:3128", and uv does not go by it / to have uv do it as well: export HTTPS_PROXY="$PIP_PROXY"`},
		{"proxy_same", "PIP_PROXY=p:3128 https_proxy=http://p:3128/", "", "install x", ok},
		{"date", "PIP_UPLOADED_PRIOR_TO=P3D", "", "install x", "export UV_EXCLUDE_NEWER="},
		{"date_same", "PIP_UPLOADED_PRIOR_TO=P3D UV_EXCLUDE_NEWER=P3D", "", "install x", ok},
		{"date_line", "", "", "install --uploaded-prior-to P3D x", "uv pip install has no --uploaded-prior-to"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := call(t, tt.files, strings.Split(tt.env, " "), tt.line)
			a := Translate(c)
			if got := told(c, a); tt.want == ok && a.Kind != UV || tt.want != ok && (a.Kind != Refuse || !strings.Contains(got, tt.want)) {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
