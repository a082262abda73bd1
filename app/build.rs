//! Gives the Windows executables their icon, version and manifest. On other systems there is nothing to do.
//!
//! The resource compiler is windres of mingw-w64, LLVM's, or the one of the Windows SDK, whichever the target needs;
//! without one the build fails, because a program without its manifest would blur on scaled displays.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_WINDOWS").is_none() {
        return Ok(());
    }
    let here = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").ok_or("cargo names no folder")?);
    let out = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo names no output folder")?);
    let version = std::env::var("CARGO_PKG_VERSION")?;
    let numbers = four_numbers(&version)?;

    let icon = here.join("../assets/icon/genlock.ico");
    let template = here.join("windows/genlock.manifest");
    let script = here.join("windows/genlock.rc");
    for file in [&icon, &template, &script] {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    let manifest = out.join("genlock.manifest");
    fs::write(&manifest, fs::read_to_string(&template)?.replace("@VERSION@", &numbers.replace(',', ".")))?;

    for (program, description) in [("genlock", "Genlock"), ("genlock-studio", "Genlock Studio")] {
        let definitions = [
            ("GENLOCK_ICON", quoted(&in_resource(&icon))),
            ("GENLOCK_MANIFEST", quoted(&in_resource(&manifest))),
            ("GENLOCK_VERSION_NUMBERS", numbers.clone()),
            ("GENLOCK_VERSION", quoted(&version)),
            ("GENLOCK_NAME", quoted(program)),
            ("GENLOCK_FILE", quoted(&format!("{program}.exe"))),
            ("GENLOCK_DESCRIPTION", quoted(description)),
        ];
        let mut text = String::new();
        for (name, value) in definitions {
            text.push_str(&format!("#define {name} {value}\n"));
        }
        text.push_str(&fs::read_to_string(&script)?);
        let filled = out.join(format!("{program}.rc"));
        fs::write(&filled, text)?;
        embed_resource::compile_for(&filled, [program], embed_resource::NONE).manifest_required()?;
    }
    Ok(())
}

/// `1.2.3-beta.1` as `1,2,3,0`: a version resource knows numbers only.
fn four_numbers(version: &str) -> Result<String, Box<dyn Error>> {
    let release = version.split(['-', '+']).next().unwrap_or_default();
    let numbers = release.split('.').map(str::parse::<u16>).collect::<Result<Vec<_>, _>>()?;
    match numbers.as_slice() {
        [major, minor, patch] => Ok(format!("{major},{minor},{patch},0")),
        _ => Err(format!("{version} is not a version of three numbers").into()),
    }
}

/// A path as resource scripts write it: a backslash there begins an escape, and every compiler takes slashes.
fn in_resource(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
