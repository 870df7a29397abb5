//! The version of a `Cargo.toml`, also where it is inherited from the workspace.

use std::path::Path;

use crate::resolve::ground::read_text;

/// Folders that are climbed in search of the workspace.
const CLIMBED: usize = 32;

/// `package.version`; with `version.workspace = true` the `workspace.package.version` of the nearest workspace above.
/// The error says what is missing.
pub(crate) fn read(path: &Path, name: &str) -> Result<String, String> {
    let table = table(path, name)?;
    let package = table.get("package").and_then(toml::Value::as_table);
    let Some(package) = package else {
        let what = if table.contains_key("workspace") {
            "is a workspace without a package of its own"
        } else {
            "has no `[package]`"
        };
        return Err(format!("`{name}` {what}; name a member, such as `{}`", member(&table)));
    };
    match package.get("version") {
        Some(toml::Value::String(version)) => Ok(version.clone()),
        Some(toml::Value::Table(inherited)) if inherited.get("workspace") == Some(&toml::Value::Boolean(true)) => {
            inherited_version(path, name)
        }
        _ => Err(format!("`{name}` has no `version` under `[package]`")),
    }
}

fn inherited_version(path: &Path, name: &str) -> Result<String, String> {
    let path = path.canonicalize().map_err(|e| e.to_string())?;
    for folder in path.ancestors().skip(1).take(CLIMBED) {
        let file = folder.join("Cargo.toml");
        if !file.is_file() {
            continue;
        }
        let Ok(table) = table(&file, "Cargo.toml") else { continue };
        let Some(workspace) = table.get("workspace") else { continue };
        let version = workspace.get("package").and_then(|p| p.get("version")).and_then(toml::Value::as_str);
        return version.map(str::to_owned).ok_or_else(|| {
            format!("`{name}` inherits its version, and its workspace has no `[workspace.package] version`")
        });
    }
    Err(format!("`{name}` inherits its version, and no workspace was found above it"))
}

fn table(path: &Path, name: &str) -> Result<toml::Table, String> {
    let text = read_text(path, name).map_err(|finding| finding.message)?;
    text.text.parse::<toml::Table>().map_err(|e| format!("`{name}` is not valid TOML: {}", e.message()))
}

/// The path of a member's Cargo.toml, for a help line.
fn member(table: &toml::Table) -> String {
    let members = table.get("workspace").and_then(|w| w.get("members")).and_then(toml::Value::as_array);
    let first = members.and_then(|all| all.first()).and_then(toml::Value::as_str).unwrap_or("crates/NAME");
    format!("{}/Cargo.toml", first.replace('*', "NAME"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_inherited() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("Cargo.toml");
        let below = dir.path().join("a");
        fs_err::create_dir(&below).unwrap();
        fs_err::write(&root, "[workspace]\nmembers = [\"a\"]\n[workspace.package]\nversion = \"2.1.0\"\n").unwrap();
        fs_err::write(below.join("Cargo.toml"), "[package]\nname = \"a\"\nversion.workspace = true\n").unwrap();
        assert_eq!(read(&below.join("Cargo.toml"), "a/Cargo.toml").unwrap(), "2.1.0");
        let why = read(&root, "Cargo.toml").unwrap_err();
        assert!(why.contains("`a/Cargo.toml`"), "{why}");
        fs_err::write(below.join("Cargo.toml"), "[package]\nname = \"a\"\nversion = \"0.3.0\"\n").unwrap();
        assert_eq!(read(&below.join("Cargo.toml"), "a/Cargo.toml").unwrap(), "0.3.0");
        fs_err::write(below.join("Cargo.toml"), "[package\n").unwrap();
        assert!(read(&below.join("Cargo.toml"), "a/Cargo.toml").unwrap_err().contains("TOML"));
    }
}
