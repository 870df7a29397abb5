//! The cache that machines share, in a server that speaks S3: two checkouts in different folders, each with its own cache.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::moto::{SECRET, Server};
use crate::support::{finish, fitout, project};

trait Checkouts {
    fn fresh(&self, name: &str, lock: &str, used: &str) -> (String, String);
}

impl Checkouts for Server {
    /// Builds a checkout with a local cache of its own: how the tool went on, what was said.
    fn fresh(&self, name: &str, lock: &str, used: &str) -> (String, String) {
        let folder = project(&[
            (
                "fitout.toml",
                "[package]\nname = \"keeper\"\nversion = \"1.0.0\"\nsummary = \"Keeps\"\nlicense = \"MIT\"\n\
                 maintainer = \"A <a@example.org>\"\n\n[build]\npreset = \"plain\"\ninput = \"tree\"\nformats = [\"tarball\"]\n\
                 command = \"sh tool\"\n[build.cache]\npaths = [\"kept\"]\nkey = [\"lock\"]\nshared = \"s3://bucket/builds/web\"\n",
            ),
            (
                "tool",
                "set -eu\nmkdir -p tree\nif [ -f kept/a ]; then echo warm; else echo cold; mkdir -p kept; seq 9 > kept/a; \
                 seq 30000 > kept/b; fi > how\ncat src lock > tree/made\n",
            ),
            ("src", "source\n"),
            ("lock", lock),
        ]);
        let place: PathBuf = self.top.path().join(name);
        fs::rename(folder.keep(), &place).unwrap();
        let cache = self.top.path().join(format!("{name}-cache"));
        let mut command = fitout(&place);
        command.args(["build", "--shared-cache", used]).env("FITOUT_CACHE_DIR", &cache);
        command.envs(self.variables());
        let (exit, stdout, stderr) = finish(command.output().unwrap());
        assert_eq!(exit, 0, "{stderr}");
        assert_eq!(fs::read_to_string(place.join("tree/made")).unwrap(), format!("source\n{lock}"), "{stderr}");
        let told = Command::new("grep").args(["-r", SECRET]).args([&place, &cache]).output().unwrap();
        assert!(told.stdout.is_empty() && !stdout.contains(SECRET) && !stderr.contains(SECRET), "{told:?}");
        (fs::read_to_string(place.join("how")).unwrap().trim().to_owned(), stderr)
    }
}

#[test]
fn machines_share_what_tools_keep() {
    let Some(mut server) = Server::start() else { return };
    let (how, said) = server.fresh("a", "1\n", "write");
    assert!(how == "cold" && !said.contains("warning"), "{said}");
    let objects = server.objects();
    assert!(objects.len() == 3 && objects.iter().all(|name| name.starts_with("builds/web/")), "{objects:?}");
    let (how, said) = server.fresh("b", "1\n", "write");
    assert!(how == "warm" && said.contains("Restored kept from the cache: 2 files\n"), "{said}");
    let (how, said) = server.fresh("c", "2\n", "read");
    assert!(how == "warm" && said.contains("of an earlier lock file") && !said.contains("warning"), "{said}");
    assert_eq!(server.objects(), objects, "it only reads");
    assert_eq!(server.fresh("d", "1\n", "off").0, "cold");

    // Several at once, of the same and of other lock files.
    std::thread::scope(|scope| {
        for number in 0..4 {
            let server = &server;
            scope.spawn(move || {
                let (_, said) = server.fresh(&format!("w{number}"), &format!("w{}\n", number / 2), "write");
                assert!(!said.contains("warning"), "{said}");
            });
        }
    });
    let (how, said) = server.fresh("e", "w1\n", "write");
    assert!(how == "warm" && !said.contains("earlier"), "{said}");

    // A damaged blob: told, not used, put again.
    let blob = objects.iter().find(|name| name.contains("/blob/")).unwrap();
    server.ask("PUT", &format!("/bucket/{blob}"), b"damage");
    let (how, said) = server.fresh("f", "1\n", "write");
    assert!(how == "cold" && said.contains("warning[build/cache]") && said.contains("is damaged"), "{said}");
    let (how, said) = server.fresh("g", "1\n", "write");
    assert!(how == "warm" && !said.contains("warning"), "{said}");

    // A store that is down.
    server.stop();
    let start = Instant::now();
    let (how, said) = server.fresh("h", "1\n", "write");
    assert!(how == "cold" && said.matches("warning[build/cache]").count() == 1, "{said}");
    assert!(start.elapsed() < Duration::from_secs(60), "took {:?}", start.elapsed());
}
