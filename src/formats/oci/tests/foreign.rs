//! The tools of the field read what fitout writes, and fitout what they write.

use super::*;
use crate::assemble::plan::{Base, Fact, HealthCheck};
use crate::codec::hex::hex;

fn run(folder: &Path, program: &str, arguments: &[&str]) -> String {
    let out = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "{program} {arguments:?}: {text}{}", String::from_utf8_lossy(&out.stderr));
    text
}

/// podman with its storage in `folder`.
fn podman(folder: &Path, arguments: &[&str]) -> String {
    let place = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (root, runroot, tmp) = (place("pm-root"), place("pm-run"), place("pm-tmp"));
    let mut all = vec!["--root", &root, "--runroot", &runroot, "--tmpdir", &tmp, "--storage-driver=vfs"];
    all.extend(["--cgroup-manager=cgroupfs", "--events-backend=none"]);
    all.extend(arguments);
    run(folder, "podman", &all)
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

fn rich() -> (Plan, Sources) {
    let (mut plan, sources) = grouped();
    let mut entries = plan.entries.to_vec();
    let hello = entries.iter_mut().find(|e| &*e.path == "/usr/bin/hello").unwrap();
    hello.capabilities = Some("cap_net_bind_service=ep".into());
    hello.owner.gid = 10_001;
    hello.owner.group = "hello".into();
    plan.entries = entries.into();
    plan.image.user = Some(fact("10001:10001".into()));
    plan.image.entrypoint = Some(vec!["/usr/bin/hello".into()]);
    plan.image.cmd = Some(vec!["start".into()]);
    plan.image.env.insert("PORT".into(), fact("80".into()));
    plan.image.ports.push(fact("80/tcp".into()));
    plan.image.volumes.push(fact("/var/lib/hello".into()));
    plan.image.working_dir = Some(fact("/usr/lib/hello".into()));
    plan.image.labels.insert("team".into(), fact("ops".into()));
    plan.image.health_check = Some(HealthCheck {
        command: vec!["/usr/bin/hello".into(), "ping".into()],
        interval_ns: 30_000_000_000,
        timeout_ns: 0,
        start_period_ns: 0,
        retries: 3,
    });
    (plan, sources)
}

#[test]
fn skopeo_and_umoci_read_the_archive_by_both_of_its_names() {
    let (plan, sources) = rich();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let path = build(&plan, &sources, here);
    let path = path.to_str().unwrap();
    for transport in ["oci-archive", "docker-archive"] {
        let seen = json(&run(here, "skopeo", &["inspect", &format!("{transport}:{path}")]));
        assert_eq!(seen["Layers"].as_array().unwrap().len(), 4, "{transport}");
        assert_eq!((&seen["Architecture"], &seen["Created"]), (&"amd64".into(), &"2023-11-14T22:13:20Z".into()));
        assert_eq!(seen["Labels"]["org.opencontainers.image.title"], "hello");
        let config = json(&run(here, "skopeo", &["inspect", "--config", &format!("{transport}:{path}")]));
        assert_eq!(config["config"]["Entrypoint"], serde_json::json!(["/usr/bin/hello"]));
        assert_eq!(config["config"]["User"], "10001:10001");
        assert_eq!(config["history"].as_array().unwrap().len(), 4);
        let raw = json(&run(here, "skopeo", &["inspect", "--config", "--raw", &format!("{transport}:{path}")]));
        assert_eq!(raw["config"]["Healthcheck"]["Test"], serde_json::json!(["CMD", "/usr/bin/hello", "ping"]));
    }
    run(here, "skopeo", &["copy", "-q", &format!("oci-archive:{path}"), "oci:layout:x"]);
    run(here, "umoci", &["unpack", "--image", "layout:x", "bundle"]);
    let rootfs = here.join("bundle/rootfs");
    let seen = run(&rootfs, "find", &[".", "-mindepth", "1", "-printf", "%P %y %m %U:%G %T@ %l %n\n"]);
    let mut seen: Vec<_> = seen.lines().map(|l| l.replace(".0000000000", "")).collect();
    seen.sort();
    let time = "1700000000 ";
    let expected = [
        format!("etc d 755 0:0 {time} 3"),
        format!("etc/hello d 755 0:0 {time} 2"),
        format!("etc/hello/env f 644 0:0 {time} 1"),
        format!("usr d 755 0:0 {time} 4"),
        format!("usr/bin d 755 0:0 {time} 2"),
        format!("usr/bin/hello f 755 0:10001 {time} 1"),
        format!("usr/bin/hi l 777 0:0 {time}hello 1"),
        format!("usr/lib d 755 0:0 {time} 3"),
        format!("usr/lib/hello d 755 0:0 {time} 3"),
        format!("usr/lib/hello/data f 644 0:0 {time} 2"),
        format!("usr/lib/hello/data2 f 644 0:0 {time} 2"),
        format!("usr/lib/hello/empty d 755 0:0 {time} 2"),
        format!("usr/lib/hello/nothing f 644 0:0 {time} 1"),
    ];
    assert_eq!(seen, expected);
    let script = "import os,sys; print(os.getxattr(sys.argv[1], 'security.capability').hex())";
    let value = run(&rootfs, "python3", &["-c", script, "usr/bin/hello"]);
    assert_eq!(value.trim(), "0100000200040000000000000000000000000000");
}

#[test]
fn podman_loads_it_under_its_name_and_what_podman_saves_is_read() {
    let (plan, sources) = rich();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let path = build(&plan, &sources, here);
    let said = podman(here, &["load", "-q", "-i", path.to_str().unwrap()]);
    assert!(said.contains("localhost/hello:1.4.0-rc.1-b5"), "{said}");
    let seen = json(&podman(here, &["image", "inspect", "localhost/hello:1.4.0-rc.1-b5"]));
    assert_eq!(seen[0]["RepoTags"], serde_json::json!(["localhost/hello:1.4.0-rc.1-b5"]));
    assert_eq!(seen[0]["Config"]["Cmd"], serde_json::json!(["start"]));
    let ours = listing(&path);
    for format in ["docker-archive", "oci-archive"] {
        let saved = here.join(format!("{format}.tar"));
        let name = "localhost/hello:1.4.0-rc.1-b5";
        podman(here, &["save", "-q", "--format", format, "-o", saved.to_str().unwrap(), name]);
        let theirs = listing(&saved);
        assert_eq!(problems(&theirs), [""; 0], "{format}");
        assert_eq!((&theirs.name, &theirs.version), (&ours.name, &ours.version), "{format}");
        assert_eq!(theirs.entries.len(), ours.entries.len());
        for (a, b) in theirs.entries.iter().zip(&ours.entries) {
            assert_eq!((&a.path, &a.kind, a.mode, &a.sha256, a.layer), (&b.path, &b.kind, b.mode, &b.sha256, b.layer));
        }
    }
}

/// A layout made by umoci: one layer with files, one with a whiteout.
fn base_layout(here: &Path) {
    run(here, "umoci", &["init", "--layout", "base"]);
    run(here, "umoci", &["new", "--image", "base:v1"]);
    fs_err::create_dir_all(here.join("tree/tmp")).unwrap();
    fs_err::create_dir_all(here.join("tree/usr/bin")).unwrap();
    fs_err::write(here.join("tree/usr/bin/sh"), vec![7; 100_000]).unwrap();
    fs_err::write(here.join("tree/gone"), b"gone").unwrap();
    std::os::unix::fs::symlink("usr/bin", here.join("tree/bin")).unwrap();
    run(here, "chmod", &["1777", "tree/tmp"]);
    run(here, "umoci", &["insert", "--image", "base:v1", "tree", "/"]);
    run(here, "umoci", &["insert", "--image", "base:v1", "--whiteout", "/gone"]);
    let config = ["config", "--image", "base:v1", "--config.env", "PATH=/bin", "--config.cmd", "sh"];
    run(here, "umoci", &[&config[..], &["--architecture", "amd64", "--os", "linux"]].concat());
}

/// The sample on a base; also a file in `/tmp`, whose mode must stay the base's.
fn on(base: Fact<Base>) -> (Plan, Sources) {
    let (mut plan, mut sources) = plan();
    let mut entries = plan.entries.to_vec();
    let file = Kind::File(sources.made(b"x".to_vec()));
    let at = entries.iter().position(|e| &*e.path == "/usr").unwrap();
    entries.splice(at..at, [entry("/tmp", Kind::Directory { shared: true }), entry("/tmp/x", file)]);
    plan.entries = entries.into();
    plan.image.entrypoint = Some(vec!["/usr/bin/hello".into()]);
    plan.image.env.insert("PORT".into(), fact("80".into()));
    plan.base = base::resolve(&base, &plan.target, &mut sources).unwrap();
    plan.image.base = base;
    (plan, sources)
}

#[test]
fn an_image_stands_on_a_layout_folder_or_archive() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    base_layout(here);
    run(here, "skopeo", &["copy", "-q", "oci:base:v1", "oci-archive:base.tar:v1"]);
    let mut layers = Vec::new();
    for base in [Base::Layout(here.join("base"), None), Base::Archive(here.join("base.tar"), Some("v1".into()))] {
        let out = tempfile::tempdir().unwrap();
        let (plan, sources) = on(fact(base));
        let path = build(&plan, &sources, out.path());
        let listing = listing(&path);
        assert_eq!(problems(&listing), [""; 0]);
        // umoci never closes the tar of an inserted layer.
        assert!(listing.findings.iter().all(|f| f.message.contains("without padding")), "{:?}", listing.findings);
        let of = |path: &str| listing.entries.iter().find(|e| e.path == path).map(|e| (e.mode, e.layer));
        assert_eq!(of("/tmp"), Some((0o1777, Some(0))), "the base's folder stays as it was");
        assert_eq!(of("/usr/bin/sh"), Some((0o644, Some(0))));
        assert_eq!(of("/usr/bin/hello"), Some((0o755, Some(2))));
        assert_eq!(of("/gone"), None, "the whiteout of the base's second layer");
        let env: Vec<_> = listing.fields.iter().filter(|(k, _)| k == "Env").map(|(_, v)| v.as_str()).collect();
        assert_eq!(env, ["PATH=/bin", "PORT=80"]);
        assert_eq!((field(&listing, "Entrypoint"), field(&listing, "Cmd")), (r#"["/usr/bin/hello"]"#, ""));
        assert_eq!(field(&listing, "Annotation org.opencontainers.image.base.name"), "", "a tag is no reference");
        assert!(field(&listing, "Label org.opencontainers.image.base.digest").starts_with("sha256:"));
        layers.push([0, 1, 2, 3].map(|n| field(&listing, &format!("Layer {n}")).to_owned()));
        run(out.path(), "skopeo", &["copy", "-q", &format!("oci-archive:{}", path.display()), "oci:copy:x"]);
        run(out.path(), "umoci", &["unpack", "--image", "copy:x", "bundle"]);
        let tree = out.path().join("bundle/rootfs");
        assert_eq!(run(&tree, "stat", &["-c", "%a", "tmp", "usr/bin", "tmp/x"]), "1777\n755\n644\n");
        let said = podman(out.path(), &["load", "-q", "-i", path.to_str().unwrap()]);
        assert!(said.contains("localhost/hello:1.4.0-rc.1-b5"), "{said}");
    }
    assert_eq!(layers[0], layers[1]);
}

#[test]
fn a_base_that_cannot_be_used_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    base_layout(here);
    let of = |base: Base, arch: Arch| {
        let (mut plan, mut sources) = plan();
        plan.target.arch = arch;
        base::resolve(&fact(base), &plan.target, &mut sources).unwrap_err()
    };
    let layout = |reference: Option<&str>| Base::Layout(here.join("base"), reference.map(str::to_owned));
    let wrong = of(layout(None), Arch::Arm64);
    assert!(wrong.message.contains("no image for `linux/arm64`"), "{wrong:?}");
    assert!(of(layout(Some("v2")), Arch::Amd64).helps.iter().any(|h| h == "it holds `v1`"));
    assert!(of(Base::Layout(here.join("nowhere"), None), Arch::Amd64).message.contains("no such folder"));
    assert!(of(Base::Archive(here.join("nowhere"), None), Arch::Amd64).message.contains("cannot be read"));
    run(here, "umoci", &["tag", "--image", "base:v1", "v1-again"]);
    assert!(
        base::resolve(&fact(layout(None)), &plan().0.target, &mut Sources::default()).is_ok(),
        "one image, two names"
    );
    run(here, "umoci", &["config", "--image", "base:v1-again", "--config.cmd", "bash"]);
    let several = of(layout(None), Arch::Amd64);
    assert!(several.helps.iter().any(|h| h == "name one after the path: `:v1`, `:v1-again`"), "{several:?}");
    // A layer that was changed is found when its bytes have been read; a config at once.
    let (plan, sources) = on(fact(layout(Some("v1"))));
    let layer = &plan.base.as_ref().unwrap().layers[0];
    let blob = here.join("base/blobs/sha256").join(hex(&layer.sha256));
    let mut bytes = fs_err::read(&blob).unwrap();
    bytes[20] ^= 1;
    fs_err::write(&blob, bytes).unwrap();
    let (changed, again) = on(fact(layout(Some("v1"))));
    assert_eq!(try_build(&[&changed], &again, here).unwrap_err()[0].code, codes::OCI_BASE_DIGEST);
    drop((plan, sources));
    for blob in fs_err::read_dir(here.join("base/blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let text = fs_err::read_to_string(&path).unwrap_or_default();
        if text.contains("diff_ids") {
            fs_err::write(&path, text.replace("rootfs", "rootfz")).unwrap();
        }
    }
    assert_eq!(of(layout(Some("v1")), Arch::Amd64).code, codes::OCI_BASE_DIGEST);
}

#[test]
fn one_archive_holds_the_images_of_several_platforms() {
    let (plan, mut sources) = grouped();
    let mut arm = plan.clone();
    arm.target.arch = Arch::Arm64;
    let mut entries = arm.entries.to_vec();
    let hello = entries.iter_mut().find(|e| &*e.path == "/usr/bin/hello").unwrap();
    hello.kind = Kind::File(sources.made(b"arm".to_vec()));
    arm.entries = entries.into();
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let path = try_build(&[&plan, &arm], &sources, here).unwrap();
    assert_eq!(path.file_name().unwrap(), "hello-1.4.0-rc.1+b5-linux-multi.oci.tar");
    let archive = format!("oci-archive:{}", path.display());
    for arch in ["amd64", "arm64"] {
        let seen = json(&run(here, "skopeo", &["--override-arch", arch, "inspect", &archive]));
        assert_eq!(seen["Architecture"], arch);
    }
    run(here, "skopeo", &["copy", "-q", "--all", &archive, "oci:layout:x"]);
    // Dependencies and config are the same bytes; runtime has a hard link and is kept apart.
    assert_eq!(fs_err::read_dir(here.join("layout/blobs/sha256")).unwrap().count(), 5 + 5);
    assert!(podman(here, &["load", "-q", "-i", path.to_str().unwrap()]).contains("localhost/hello:1.4.0-rc.1-b5"));
    let listing = listing(&path);
    assert_eq!(problems(&listing), [""; 0]);
    let platforms: Vec<_> = listing.fields.iter().filter(|(k, _)| k == "Platform").map(|(_, v)| v.as_str()).collect();
    assert_eq!((platforms, &*listing.arch), (vec!["linux/amd64", "linux/arm64"], "amd64"));
    assert!(try_build(&[&plan, &plan], &sources, here).is_err());
}
