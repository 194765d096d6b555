package attribute

import "strings"

// A Class says how a distribution opens a library that no ELF file names.
type Class byte

const (
	ByName Class = 'A' // tries the soname at last: works if the library is found
	ByFind Class = 'B' // only ctypes.util.find_library, which finds nothing behind nix-ld
	Own    Class = 'C' // a search of its own: wants a variable set
	Bare   Class = 'D' // dlopen of a soname in compiled code, with no word if it fails
)

// A Dlopen is what one distribution opens by name.
type Dlopen struct {
	Distribution string // normalised as in PEP 503
	Class        Class
	Sonames      []string
	Optional     bool     // for a part of it that most do without
	Unless       []string // another distribution that makes it moot
	Sentence     string   // what to do, without a full stop; empty: provide the sonames
	Source       string   // where the distribution does it
}

// Dlopens returns what the distribution opens by name; its name need not be normalised. ctypes'
// find_library asks /sbin/ldconfig, gcc and ld in turn, none of which sees nix-ld's path, and so
// answers None for every library (Lib/ctypes/util.py).
func Dlopens(distribution string) (Dlopen, bool) {
	name := Normalize(distribution)
	for _, d := range dlopens {
		if d.Distribution == name {
			return d, true
		}
	}
	return Dlopen{}, false
}

// Normalize returns the name of a distribution in lower case, each run of "-", "_" and "." as one
// "-" (PEP 503).
func Normalize(name string) string {
	var b strings.Builder
	dash := false
	for _, c := range []byte(name) {
		switch {
		case c == '-' || c == '_' || c == '.':
			dash = true
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if dash {
			b.WriteByte('-')
			dash = false
		}
		b.WriteByte(c)
	}
	if dash {
		b.WriteByte('-')
	}
	return b.String()
}

var dlopens = []Dlopen{
	{Distribution: "weasyprint", Class: ByName, Sonames: []string{"libgobject-2.0.so.0", "libpango-1.0.so.0", "libharfbuzz.so.0",
		"libfontconfig.so.1", "libpangoft2-1.0.so.0"},
		Source: "weasyprint/text/ffi.py"},
	{Distribution: "cairocffi", Class: ByName, Sonames: []string{"libcairo.so.2"},
		Source: "cairocffi/__init__.py"},
	{Distribution: "python-magic", Class: ByName, Sonames: []string{"libmagic.so.1"},
		Source: "magic/loader.py"},
	{Distribution: "pyopengl", Class: ByName, Sonames: []string{"libGL.so.1"},
		Source: "OpenGL/platform/ctypesloader.py"},
	{Distribution: "pynvml", Class: ByName, Sonames: []string{"libnvidia-ml.so.1"},
		Source: "pynvml.py"},
	{Distribution: "nvidia-ml-py", Class: ByName, Sonames: []string{"libnvidia-ml.so.1"},
		Source: "pynvml.py"},
	{Distribution: "pyvips", Class: ByName, Sonames: []string{"libvips.so.42"}, Unless: []string{"pyvips-binary"},
		Source: "pyvips/__init__.py"},
	{Distribution: "python-vlc", Class: ByName, Sonames: []string{"libvlc.so.5"},
		Source: "vlc.py"},

	{Distribution: "sounddevice", Class: ByFind, Sonames: []string{"libportaudio.so.2"},
		Sentence: findNote,
		Source:   "sounddevice.py"},
	{Distribution: "pyzbar", Class: ByFind, Sonames: []string{"libzbar.so.0"},
		Sentence: findNote,
		Source:   "pyzbar/zbar_library.py"},
	{Distribution: "pyusb", Class: ByFind, Sonames: []string{"libusb-1.0.so.0"},
		Sentence: "give the backend with usb.backend.libusb1.get_backend(find_library=lambda x: \"libusb-1.0.so.0\")",
		Source:   "usb/libloader.py"},
	{Distribution: "psycopg", Class: ByFind, Sonames: []string{"libpq.so.5"}, Unless: []string{"psycopg-binary", "psycopg-c"},
		Sentence: "install psycopg[binary]",
		Source:   "psycopg/pq/misc.py"},
	{Distribution: "pyenchant", Class: ByFind, Sonames: []string{"libenchant-2.so.2"},
		Sentence: "set PYENCHANT_LIBRARY_PATH to the path of libenchant-2.so.2",
		Source:   "enchant/_enchant.py"},
	{Distribution: "oscrypto", Class: ByFind, Sonames: []string{"libcrypto.so.3", "libssl.so.3"},
		Sentence: "call oscrypto.use_openssl with the paths of libcrypto.so.3 and libssl.so.3",
		Source:   "oscrypto/_openssl/_libcrypto_ctypes.py"},
	{Distribution: "python-mpv", Class: ByFind, Sonames: []string{"libmpv.so.2"},
		Sentence: findNote,
		Source:   "mpv.py"},
	{Distribution: "mpv", Class: ByFind, Sonames: []string{"libmpv.so.2"},
		Sentence: findNote,
		Source:   "mpv.py"},
	{Distribution: "discord-py", Class: ByFind, Sonames: []string{"libopus.so.0"}, Optional: true,
		Sentence: "call discord.opus.load_opus(\"libopus.so.0\")",
		Source:   "discord/opus.py"},

	{Distribution: "triton", Class: Own, Sonames: []string{"libcuda.so.1"}, Optional: true,
		Sentence: "set TRITON_LIBCUDA_PATH=/run/opengl-driver/lib; triton needs a C compiler as well",
		Source:   "triton/backends/nvidia/driver.py"},
	{Distribution: "numba", Class: Own, Sonames: []string{"libcuda.so.1"}, Optional: true,
		Sentence: "set NUMBA_CUDA_DRIVER=/run/opengl-driver/lib/libcuda.so.1",
		Source:   "numba/cuda/cudadrv/driver.py"},
	{Distribution: "numba-cuda", Class: Own, Sonames: []string{"libcuda.so.1"},
		Sentence: "set NUMBA_CUDA_DRIVER=/run/opengl-driver/lib/libcuda.so.1",
		Source:   "numba_cuda/numba/cuda/cudadrv/driver.py"},
	{Distribution: "django", Class: Own, Sonames: []string{"libgdal.so", "libgeos_c.so.1"}, Optional: true,
		Sentence: "for GeoDjango set GDAL_LIBRARY_PATH and GEOS_LIBRARY_PATH in the settings",
		Source:   "django/contrib/gis/gdal/libgdal.py"},
	{Distribution: "wand", Class: Own, Sonames: []string{"libMagickWand-7.Q16HDRI.so.10"},
		Sentence: "set MAGICK_HOME to the store path of imagemagick",
		Source:   "wand/api.py"},

	{Distribution: "torch", Class: Bare, Sonames: []string{"libcuda.so.1"}, Optional: true,
		Source: "c10/cuda/driver_api.cpp"},
	{Distribution: "tensorflow", Class: Bare, Sonames: []string{"libcuda.so.1"}, Optional: true,
		Source: "xla/tsl/platform/default/dso_loader.cc"},
	{Distribution: "cupy-cuda11x", Class: Bare, Sonames: []string{"libcuda.so.1"},
		Source: "cupy_backends/cuda"},
	{Distribution: "cupy-cuda12x", Class: Bare, Sonames: []string{"libcuda.so.1"},
		Source: "cupy_backends/cuda"},
	{Distribution: "cupy-cuda13x", Class: Bare, Sonames: []string{"libcuda.so.1"},
		Source: "cupy_backends/cuda"},
	{Distribution: "jax-cuda12-plugin", Class: Bare, Sonames: []string{"libcuda.so.1"},
		Source: "xla/tsl/platform/default/dso_loader.cc"},
	{Distribution: "jax-cuda13-plugin", Class: Bare, Sonames: []string{"libcuda.so.1"},
		Source: "xla/tsl/platform/default/dso_loader.cc"},
	{Distribution: "glfw", Class: Bare, Sonames: []string{"libX11.so.6", "libXcursor.so.1", "libXi.so.6", "libXinerama.so.1", "libXrandr.so.2",
		"libwayland-client.so.0", "libxkbcommon.so.0", "libGL.so.1"}, Optional: true,
		Sentence: desktopNote,
		Source:   "glfw src/x11_init.c, wl_init.c"},
	{Distribution: "pygame", Class: Bare, Sonames: []string{"libX11.so.6", "libXext.so.6", "libXcursor.so.1", "libXi.so.6", "libXrandr.so.2",
		"libwayland-client.so.0", "libxkbcommon.so.0"}, Optional: true,
		Sentence: desktopNote,
		Source:   "SDL src/video/x11/SDL_x11dyn.c"},
	{Distribution: "pygame-ce", Class: Bare, Sonames: []string{"libX11.so.6", "libXext.so.6", "libXcursor.so.1", "libXi.so.6", "libXrandr.so.2",
		"libwayland-client.so.0", "libxkbcommon.so.0"}, Optional: true,
		Sentence: desktopNote,
		Source:   "SDL src/video/x11/SDL_x11dyn.c"},
	{Distribution: "pywebview", Class: Bare, Sonames: []string{"libwebkit2gtk-4.1.so.0"}, Optional: true,
		Sentence: "or use its Qt backend",
		Source:   "webview/platforms/gtk.py"},
}

const (
	findNote    = "it looks with find_library alone, which finds nothing behind nix-ld even if the library is listed"
	desktopNote = "those of X11 on an X11 desktop, those of Wayland on Wayland; only where it opens a window"
)
