//! The GStreamer that an installed Genlock brings along, and no other.
//!
//! An installed or unpacked Genlock is one folder: the program and every DLL it is linked to side by side, where
//! Windows looks for them first, and GStreamer's plugins in `lib/gstreamer-1.0` below it (packaging/windows/plugins.list).
//! Whatever other GStreamer is on the machine must not leak in: a plugin of another version than the libraries ends the
//! program. In a developer's tree there is no such folder, and the system's GStreamer is used as it is.
//!
//! A person who wants x264, which is under the GPL and so not in our package, puts its plugin and DLL into the folder
//! `plugins-extra` beside the program (docs/packaging.md).

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Below the program's folder: the plugins that come with it.
const PLUGINS: &str = "lib/gstreamer-1.0";
/// Beside the program: what the person added.
const EXTRA: &str = "plugins-extra";
/// Looks at plugins in a process of its own, so that one that crashes, as those that load a driver may, takes nothing
/// with it. It is beside the program because it needs the same DLLs.
const SCANNER: &str =
    if cfg!(windows) { "gst-plugin-scanner.exe" } else { "libexec/gstreamer-1.0/gst-plugin-scanner" };

/// An environment variable and its value; `None` takes it away.
type Setting = (&'static str, Option<OsString>);

/// Points GStreamer at the plugins beside the program, where there are any. Must be the first thing that the program
/// does.
#[expect(unsafe_code, reason = "the environment is GStreamer's only way to be told before it starts")]
pub(crate) fn use_own_gstreamer(cache: Option<&Path>) {
    let Some(folder) = std::env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned())) else {
        return;
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    for (name, value) in settings(&folder, cache, &path, Path::is_dir) {
        // SAFETY: changing the environment is sound while no other thread reads or writes it. This is called at the
        // beginning of main, before the program has started its first thread; on Windows it is always sound.
        unsafe {
            match value {
                Some(value) => std::env::set_var(name, value),
                None => std::env::remove_var(name),
            }
        }
    }
}

/// What the environment must say (GStreamer, "Running GStreamer Applications": environment variables); nothing where
/// the program brings no plugins along.
fn settings(folder: &Path, cache: Option<&Path>, path: &OsString, is_dir: fn(&Path) -> bool) -> Vec<Setting> {
    let plugins = below(folder, PLUGINS);
    if !is_dir(&plugins) {
        return Vec::new();
    }
    let extra = below(folder, EXTRA);
    let extra = is_dir(&extra).then_some(extra);
    let list = |paths: Vec<PathBuf>| std::env::join_paths(paths).ok();

    // The names with the version win over those without; with both taken care of, nothing of the system's is left.
    let mut settings: Vec<Setting> = vec![
        ("GST_PLUGIN_PATH", None),
        ("GST_PLUGIN_PATH_1_0", None),
        ("GST_PLUGIN_SYSTEM_PATH", None),
        (
            "GST_PLUGIN_SYSTEM_PATH_1_0",
            list([Some(plugins.clone()), extra.clone()].into_iter().flatten().collect())
                .or(Some(plugins.into_os_string())),
        ),
        ("GST_PLUGIN_SCANNER", None),
        ("GST_PLUGIN_SCANNER_1_0", Some(below(folder, SCANNER).into_os_string())),
        // GLib's own extensions: it must find none, rather than those of another GLib.
        ("GIO_MODULE_DIR", Some(below(folder, "lib/gio/modules").into_os_string())),
        ("GIO_EXTRA_MODULES", None),
        ("GST_REGISTRY", None),
    ];
    if let Some(cache) = cache {
        // GStreamer makes the folder. It looks at the plugins' times itself and scans again after an update.
        let registry = cache.join("gstreamer-registry.bin");
        settings.push(("GST_REGISTRY_1_0", Some(registry.into_os_string())));
    } else {
        settings.push(("GST_REGISTRY_1_0", None));
    }
    if let Some(extra) = extra {
        // Windows looks for the DLLs of an added plugin on the path, not beside the plugin.
        let mut paths = vec![extra];
        paths.extend(std::env::split_paths(path));
        settings.push(("PATH", list(paths)));
        if settings.last().is_some_and(|(_, value)| value.is_none()) {
            // A path that cannot be taken apart and put together again stays as it is.
            settings.pop();
        }
    }
    settings
}

/// Joins a path written with slashes in the system's own way: GStreamer compares paths as text.
fn below(folder: &Path, path: &str) -> PathBuf {
    path.split('/').fold(folder.to_owned(), |folder, part| folder.join(part))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn of(
        folder: &Path,
        cache: Option<&Path>,
        is_dir: fn(&Path) -> bool,
    ) -> BTreeMap<&'static str, Option<OsString>> {
        let path = std::env::join_paths(["first", "second"]).unwrap();
        let settings = settings(folder, cache, &path, is_dir);
        let count = settings.len();
        let map: BTreeMap<_, _> = settings.into_iter().collect();
        assert_eq!(map.len(), count, "nothing is said twice");
        map
    }

    #[test]
    fn a_developers_tree_is_left_alone() {
        assert!(of(Path::new("bin"), Some(Path::new("cache")), |_| false).is_empty());
    }

    #[test]
    fn an_installed_program_sees_its_own_plugins_only() {
        let said = of(Path::new("Genlock"), Some(Path::new("cache")), |path| path.ends_with("gstreamer-1.0"));
        let plugins = Path::new("Genlock").join("lib").join("gstreamer-1.0");
        assert_eq!(said["GST_PLUGIN_SYSTEM_PATH_1_0"].as_deref(), Some(plugins.as_os_str()));
        for name in ["GST_PLUGIN_PATH", "GST_PLUGIN_PATH_1_0", "GST_PLUGIN_SYSTEM_PATH", "GST_REGISTRY"] {
            assert_eq!(said[name], None, "{name}");
        }
        let registry = Path::new("cache").join("gstreamer-registry.bin");
        assert_eq!(said["GST_REGISTRY_1_0"].as_deref(), Some(registry.as_os_str()));
        assert!(!said.contains_key("PATH"), "nothing was added, so nothing more is looked for");
    }

    #[test]
    fn what_a_person_added_is_looked_at_after_our_own_and_its_libraries_are_found() {
        let said = of(Path::new("Genlock"), None, |_| true);
        let paths =
            |name: &str| -> Vec<PathBuf> { std::env::split_paths(said[name].as_ref().unwrap()).collect() };
        let extra = Path::new("Genlock").join("plugins-extra");
        let plugins = Path::new("Genlock").join("lib").join("gstreamer-1.0");
        assert_eq!(paths("GST_PLUGIN_SYSTEM_PATH_1_0"), [plugins, extra.clone()]);
        assert_eq!(paths("PATH"), [extra, "first".into(), "second".into()]);
        assert_eq!(said["GST_REGISTRY_1_0"], None, "without a folder of our own GStreamer decides");
    }
}
