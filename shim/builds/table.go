package builds

import "strings"

// wheels returns the package on PyPI that is the same as the one of uv's name==version and has
// wheels, as its own documentation advises.
func wheels(pkg string) string {
	name, _, _ := strings.Cut(pkg, "==")
	switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
	case "psycopg2":
		return "psycopg2-binary"
	case "psycopg-c":
		return "psycopg-binary"
	case "uwsgi":
		return "pyuwsgi"
	case "faiss":
		return "faiss-cpu"
	}
	return ""
}

// headerAttribute returns the attribute of nixpkgs whose development output has the header.
func headerAttribute(name string) string {
	dir, _, nested := strings.Cut(name, "/")
	if nested {
		switch dir {
		case "openssl":
			return "openssl"
		case "libxml", "libxml2":
			return "libxml2"
		case "libxslt":
			return "libxslt"
		case "sasl":
			return "cyrus_sasl"
		case "gssapi":
			return "libkrb5"
		case "security":
			return "pam"
		case "systemd":
			return "systemd"
		case "boost":
			return "boost"
		case "Eigen":
			return "eigen"
		case "sys", "linux", "asm":
			return "linuxHeaders"
		case "alsa":
			return "alsa-lib"
		case "X11":
			return "xorg.libX11"
		case "GL":
			return "libGL"
		case "curl":
			return "curl"
		case "freetype2", "freetype":
			return "freetype"
		case "dbus":
			return "dbus"
		}
	}
	switch name {
	case "ffi.h":
		return "libffi"
	case "zlib.h":
		return "zlib"
	case "bzlib.h":
		return "bzip2"
	case "lzma.h":
		return "xz"
	case "zstd.h":
		return "zstd"
	case "lz4.h":
		return "lz4"
	case "snappy.h", "snappy-c.h":
		return "snappy"
	case "ldap.h", "lber.h":
		return "openldap"
	case "portaudio.h":
		return "portaudio"
	case "sndfile.h":
		return "libsndfile"
	case "libpq-fe.h":
		return "postgresql.dev"
	case "mysql.h":
		return "libmysqlclient"
	case "sqlite3.h":
		return "sqlite"
	case "sql.h", "sqlext.h":
		return "unixODBC"
	case "gmp.h":
		return "gmp"
	case "mpfr.h":
		return "mpfr"
	case "mpc.h":
		return "libmpc"
	case "hdf5.h":
		return "hdf5"
	case "netcdf.h":
		return "netcdf"
	case "geos_c.h":
		return "geos"
	case "proj.h", "proj_api.h":
		return "proj"
	case "gdal.h":
		return "gdal"
	case "cairo.h":
		return "cairo"
	case "jpeglib.h":
		return "libjpeg"
	case "png.h":
		return "libpng"
	case "tiff.h", "tiffio.h":
		return "libtiff"
	case "webp.h":
		return "libwebp"
	case "ft2build.h":
		return "freetype"
	case "graphviz.h", "cgraph.h", "gvc.h":
		return "graphviz"
	case "libudev.h":
		return "udev"
	case "libusb.h":
		return "libusb1"
	case "pcap.h":
		return "libpcap"
	case "git2.h":
		return "libgit2"
	case "sodium.h":
		return "libsodium"
	case "secp256k1.h":
		return "secp256k1"
	case "krb5.h", "gssapi.h":
		return "libkrb5"
	case "yaml.h":
		return "libyaml"
	case "readline.h":
		return "readline"
	case "ncurses.h", "curses.h":
		return "ncurses"
	case "event.h":
		return "libevent"
	case "ev.h":
		return "libev"
	case "uv.h":
		return "libuv"
	case "zmq.h":
		return "zeromq"
	case "magic.h":
		return "file"
	case "enchant.h":
		return "enchant"
	case "rdkafka.h":
		return "rdkafka"
	case "leveldb.h":
		return "leveldb"
	case "expat.h":
		return "expat"
	case "pcre.h":
		return "pcre"
	case "pcre2.h":
		return "pcre2"
	case "nvml.h", "cuda.h", "cuda_runtime.h":
		return "cudaPackages.cuda_cudart"
	case "cblas.h", "lapacke.h":
		return "openblas"
	case "fftw3.h":
		return "fftw"
	}
	return ""
}

// libraryAttribute returns the attribute of nixpkgs that has lib<name>.so.
func libraryAttribute(name string) string {
	switch name {
	case "z":
		return "zlib"
	case "ffi":
		return "libffi"
	case "ssl", "crypto":
		return "openssl"
	case "pq":
		return "postgresql.dev"
	case "xml2":
		return "libxml2"
	case "xslt", "exslt":
		return "libxslt"
	case "bz2":
		return "bzip2"
	case "lzma":
		return "xz"
	case "ldap", "lber":
		return "openldap"
	case "sasl2":
		return "cyrus_sasl"
	case "sqlite3":
		return "sqlite"
	case "mysqlclient", "mariadb":
		return "libmysqlclient"
	case "odbc":
		return "unixODBC"
	case "jpeg":
		return "libjpeg"
	case "png":
		return "libpng"
	case "blas", "lapack", "openblas":
		return "openblas"
	case "cuda", "cudart":
		return "cudaPackages.cuda_cudart"
	case "gomp", "gfortran", "quadmath":
		return "gfortran"
	case "crypt":
		return "libxcrypt"
	case "curl", "portaudio", "gmp", "mpfr", "zstd", "lz4", "snappy", "hdf5", "gdal", "proj", "readline", "ncurses", "expat", "cairo":
		return name
	}
	return ""
}

// packageAttribute returns the attribute of nixpkgs that has <name>.pc.
func packageAttribute(name string) string {
	switch name {
	case "dbus-1":
		return "dbus"
	case "gobject-introspection-1.0":
		return "gobject-introspection"
	case "girepository-2.0", "glib-2.0", "gobject-2.0", "gio-2.0":
		return "glib"
	case "libpng", "libpng16":
		return "libpng"
	case "freetype2":
		return "freetype"
	case "libjpeg":
		return "libjpeg"
	case "mysqlclient", "mariadb", "libmariadb":
		return "libmysqlclient"
	case "libpq":
		return "postgresql.dev"
	case "libsystemd":
		return "systemd"
	case "libavformat", "libavcodec", "libavdevice", "libavutil", "libavfilter", "libswscale", "libswresample":
		return "ffmpeg"
	case "libvirt", "cairo", "pango", "openssl", "libffi", "libxml2", "libxslt", "fuse", "fuse3", "hdf5", "gdal", "proj", "opencv", "openblas", "zlib", "harfbuzz", "gtk4", "libgit2", "libsodium":
		return name
	case "gtk+-3.0":
		return "gtk3"
	case "fuse-2":
		return "fuse"
	case "libusb-1.0":
		return "libusb1"
	case "xmlsec1", "xmlsec1-openssl":
		return "xmlsec"
	case "scipy-openblas":
		return "openblas"
	case "x11":
		return "xorg.libX11"
	case "krb5", "krb5-gssapi":
		return "libkrb5"
	}
	return ""
}
