//! Streams that are spliced from runs, before the readers of the field: all of them see the same bytes and the same tree.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{finish, fitout, tool};

const CONFIG: &str = "[package]\nname = \"reader\"\nversion = \"1.0.0\"\nsummary = \"Is read\"\nlicense = \"MIT\"\n\
    maintainer = \"A <a@example.org>\"\n[build]\npreset = \"plain\"\nformats = [\"deb\", \"rpm\", \"tarball\", \"zip\", \"oci\"]\n\
    targets = [\"linux/amd64\"]\n[[files]]\nfrom = \"tree\"\nto = \"/opt/reader\"\n";

/// Decompresses the member to standard output, in the words of each reader; `$1` is the file.
const GUNZIP: &[(&str, &[&str])] = &[
    ("gzip", &["sh", "-c", "gzip -t \"$1\" && gzip -dc \"$1\"", "sh"]),
    ("pigz", &["pigz", "-dc"]),
    ("busybox", &["busybox", "zcat"]),
    (
        "python3",
        &["python3", "-c", "import gzip,sys,shutil; shutil.copyfileobj(gzip.open(sys.argv[1]), sys.stdout.buffer)"],
    ),
    (
        "perl",
        &["perl", "-MIO::Uncompress::Gunzip=gunzip,$GunzipError", "-e", "gunzip($ARGV[0] => '-') or die $GunzipError"],
    ),
    (
        "node",
        &[
            "node",
            "-e",
            "process.stdout.write(require('zlib').gunzipSync(require('fs').readFileSync(process.argv[1])))",
        ],
    ),
    ("7zz", &["7zz", "x", "-so", "-tgzip"]),
];

/// Unpacks `$1` into the folder `$2`: name of the artifact's ending, reader, script.
const UNPACK: &[(&str, &str, &str)] = &[
    (".tar.gz", "tar", "tar -xzf \"$1\" -C \"$2\""),
    (".tar.gz", "bsdtar", "bsdtar -xf \"$1\" -C \"$2\""),
    (".tar.gz", "busybox", "busybox tar -xzf \"$1\" -C \"$2\""),
    (".tar.gz", "python3", "python3 -m tarfile -e \"$1\" \"$2\""),
    (".tar.gz", "7zz", "7zz x -so -tgzip \"$1\" | 7zz x -si -ttar -o\"$2\" >/dev/null"),
    (".zip", "unzip", "unzip -tq \"$1\" >/dev/null && unzip -q \"$1\" -d \"$2\""),
    (".zip", "python3", "python3 -m zipfile -t \"$1\" >/dev/null && python3 -m zipfile -e \"$1\" \"$2\""),
    (".zip", "busybox", "busybox unzip -q \"$1\" -d \"$2\""),
    (".zip", "bsdtar", "bsdtar -xf \"$1\" -C \"$2\""),
    (".zip", "7zz", "7zz x -o\"$2\" \"$1\" >/dev/null"),
    (".zip", "jar", "cd \"$2\" && jar xf \"$1\""),
    (".deb", "dpkg-deb", "dpkg-deb -x \"$1\" \"$2\""),
    (".deb", "bsdtar", "bsdtar -xOf \"$1\" data.tar.gz | bsdtar -xf - -C \"$2\""),
    (".deb", "7zz", "7zz x -so \"$1\" | 7zz x -si -ttar -o\"$2\" >/dev/null"),
    (".rpm", "rpm", "rpmkeys -K --nosignature \"$1\" >/dev/null && rpm2cpio \"$1\" | (cd \"$2\" && cpio -id --quiet)"),
    (".rpm", "bsdtar", "bsdtar -xf \"$1\" -C \"$2\""),
    (
        ".oci.tar",
        "umoci",
        "skopeo copy -q --insecure-policy oci-archive:\"$1\" oci:\"$2/layout\":x && umoci unpack --rootless --image \"$2/layout\":x \"$2/bundle\" >/dev/null 2>&1",
    ),
];

/// Reads a gzip member, every entry of a zip by name, and every entry of a zip in order, as `java.util.zip` does.
const JAVA: &str = r#"
import java.io.*;
import java.nio.file.*;
import java.security.*;
import java.util.*;
import java.util.zip.*;

public class Readers {
    static String digest(InputStream in) throws Exception {
        MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
        byte[] buffer = new byte[777];
        for (int n; (n = in.read(buffer)) >= 0; ) sha256.update(buffer, 0, n);
        return HexFormat.of().formatHex(sha256.digest());
    }
    public static void main(String[] names) throws Exception {
        try (InputStream in = new GZIPInputStream(new FileInputStream(names[0]))) {
            System.out.println("gzip " + digest(in));
        }
        try (ZipFile zip = new ZipFile(names[1])) {
            for (ZipEntry entry : Collections.list(zip.entries()))
                if (!entry.isDirectory()) System.out.println("file " + entry.getName() + " " + digest(zip.getInputStream(entry)));
        }
        try (ZipInputStream zip = new ZipInputStream(new FileInputStream(names[1]))) {
            for (ZipEntry entry; (entry = zip.getNextEntry()) != null; )
                if (!entry.isDirectory()) System.out.println("stream " + entry.getName() + " " + digest(zip));
        }
    }
}
"#;

/// A built project: content of every kind of run.
struct Built {
    top: tempfile::TempDir,
    tree: BTreeMap<String, Vec<u8>>,
}

impl Built {
    fn new() -> Self {
        let top = tempfile::tempdir().unwrap();
        let mut state = 1u32;
        let mut noise = |length: usize, mask: u8| -> Vec<u8> {
            let step = |state: &mut u32| {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (*state >> 24) as u8
            };
            (0..length).map(|_| step(&mut state) & mask).collect()
        };
        let mut tree = BTreeMap::new();
        // Empty, solid, at the border of what is spliced, several runs, stored blocks, one that is read in pieces.
        for (name, length) in
            [("empty", 0), ("one", 1), ("below", 16_383), ("at", 16_384), ("runs", 3_000_001), ("large", 9 << 20)]
        {
            tree.insert(name.to_owned(), noise(length, 0x3f));
        }
        tree.insert("random".to_owned(), noise(200_000, 0xff));
        tree.insert("zeros".to_owned(), vec![0; 2_500_000]);
        for number in 0..600usize {
            tree.insert(format!("many/d{}/f{number}", number % 7), noise(number * 17 % 5000, 0x1f));
        }
        // The header of each may refer to the one before it, if what is between them is not over 32 KiB.
        for number in 0..48usize {
            tree.insert(format!("spliced/f{number}"), noise(16_384 + number * 419, 0x3f));
        }
        for (name, bytes) in &tree {
            let path = top.path().join("project/tree").join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::write(top.path().join("project/fitout.toml"), CONFIG).unwrap();
        let cache = top.path().join("cache");
        let mut command = fitout(&top.path().join("project"));
        let (code, _, stderr) =
            finish(command.args(["build", "--verify"]).env("FITOUT_CACHE_DIR", cache).output().unwrap());
        assert_eq!(code, 0, "{stderr}");
        Self { top, tree }
    }

    fn artifact(&self, ending: &str) -> PathBuf {
        let dist = fs::canonicalize(self.top.path()).unwrap().join("project/dist");
        let mut found = fs::read_dir(dist).unwrap().map(|entry| entry.unwrap().path());
        found.find(|path| path.to_string_lossy().ends_with(ending)).unwrap()
    }

    /// The files of the tree in what was unpacked, wherever it begins.
    fn check(&self, folder: &Path, by: &str) {
        let top = find(folder, "reader").unwrap_or_else(|| panic!("{by}: nothing was unpacked"));
        for (name, bytes) in &self.tree {
            let found = fs::read(top.join(name)).unwrap_or_else(|error| panic!("{by}: {name}: {error}"));
            assert!(found == *bytes, "{by}: {name} has other bytes");
        }
    }
}

/// The folder `opt/NAME` somewhere below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let here = folder.join("opt").join(name);
    if here.is_dir() {
        return Some(here);
    }
    let inner = fs::read_dir(folder).ok()?.map(|entry| entry.unwrap().path());
    inner.filter(|path| path.is_dir() && !path.is_symlink()).find_map(|path| find(&path, name))
}

fn sha256(bytes: &[u8]) -> String {
    let digest = <sha2::Sha256 as sha2::Digest>::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn every_reader_sees_the_same() {
    let built = Built::new();
    let tarball = built.artifact(".tar.gz");
    let mut whole: Option<Vec<u8>> = None;
    for (name, command) in GUNZIP {
        if tool("sh", &["-c", "command -v \"$1\" || true", "sh", name]).unwrap().is_empty() {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "{name} is not installed");
            continue;
        }
        let output = Command::new(command[0]).args(&command[1..]).arg(&tarball).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        let first = whole.get_or_insert_with(|| output.stdout.clone());
        assert!(output.stdout == *first, "{name} sees other bytes");
    }
    for (ending, name, script) in UNPACK {
        if tool("sh", &["-c", "command -v \"$1\" || true", "sh", name]).unwrap().is_empty() {
            assert!(std::env::var_os("FITOUT_REQUIRE_FOREIGN").is_none(), "{name} is not installed");
            continue;
        }
        let folder = tempfile::tempdir_in(built.top.path()).unwrap();
        let into = fs::canonicalize(folder.path()).unwrap();
        let output =
            Command::new("sh").args(["-ec", script, "sh"]).arg(built.artifact(ending)).arg(&into).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} on {ending}: {said}");
        built.check(&into, &format!("{name} on {ending}"));
    }
    java(&built, &sha256(&whole.unwrap()));
}

fn java(built: &Built, tarball: &str) {
    let source = built.top.path().join("Readers.java");
    fs::write(&source, JAVA).unwrap();
    let arguments = [source, built.artifact(".tar.gz"), built.artifact(".zip")];
    let arguments: Vec<&str> = arguments.iter().map(|path| path.to_str().unwrap()).collect();
    let Some(said) = tool("java", &arguments) else { return };
    assert!(said.contains(&format!("gzip {tarball}\n")), "{said}");
    for (name, bytes) in &built.tree {
        let line = format!("opt/reader/{name} {}\n", sha256(bytes));
        assert_eq!(said.matches(&line).count(), 2, "{name}: by name and in order");
    }
}

/// Unpacks as whoever is not root does: with the mode of each directory in force as soon as tar thinks that it is done with it.
#[test]
fn tar_gives_directories_their_modes_and_times() {
    let top = tempfile::tempdir().unwrap();
    fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let project = top.path().join("project");
    for name in ["a", "closed/a", "closed/large", "closed/z", "other/large", "other/small", "zz/last"] {
        let path = project.join("tree").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name.repeat(if name.ends_with("large") { 9000 } else { 1 })).unwrap();
    }
    let rules = "[[files]]\nfrom = \"tree/closed\"\nto = \"/opt/reader/closed\"\ndir-mode = \"0555\"\nreplace = true\n";
    let config = CONFIG.replace("\"deb\", \"rpm\", \"tarball\", \"zip\", \"oci\"", "\"tarball\"");
    let config = config.replace("to = \"/opt/reader\"\n", "to = \"/opt/reader\"\nexclude = [\"closed\"]\n");
    fs::write(project.join("fitout.toml"), config + rules).unwrap();
    let mut command = fitout(&project);
    command.args(["build", "--no-cache"]).env("SOURCE_DATE_EPOCH", "1700000000");
    let (code, _, stderr) = finish(command.output().unwrap());
    assert_eq!(code, 0, "{stderr}");
    let into = top.path().join("into");
    fs::create_dir(&into).unwrap();
    fs::set_permissions(&into, fs::Permissions::from_mode(0o777)).unwrap();
    let dropped = "setpriv --reuid=65534 --regid=65534 --clear-groups";
    let script = format!(
        "run=; [ \"$(id -u)\" != 0 ] || run='{dropped}'
         $run tar -xzf \"$1\"/dist/*.tar.gz -C \"$2\"
         cd \"$2\"/*/opt && find . -type d -printf '%p %m %Ts\\n' | sort && find . -type f | sort
         chmod -R u+w \"$2\""
    );
    let arguments = ["-ec", &script, "sh", project.to_str().unwrap(), into.to_str().unwrap()];
    let output = Command::new("sh").args(arguments).output().unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let time = 1_700_000_000;
    let expected = format!(
        ". 755 {time}\n./reader 755 {time}\n./reader/closed 555 {time}\n./reader/other 755 {time}\n./reader/zz 755 {time}\n\
         ./reader/a\n./reader/closed/a\n./reader/closed/large\n./reader/closed/z\n./reader/other/large\n./reader/other/small\n\
         ./reader/zz/last\n"
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}
