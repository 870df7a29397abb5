//! Nodes that talk to each other as the config says: two services of one package, by epmd and TLS.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::made::{Kind, shell};
use super::{Launcher, Unpacked};
use crate::archives::free_port;

/// What a node of the cluster is besides the first.
fn second(port: u16, epmd_port: u16) -> String {
    format!(
        "[[service]]\nenv = {{ ERL_EPMD_PORT = \"{epmd_port}\" }}\nname = \"gannet-two\"\nenv-file = \"/etc/gannet/two\"\nuser = \"{}\"\n\
         [service.node]\nname = \"two@localhost\"\nepmd = true\ntls = \"/etc/gannet/tls.conf\"\nport = {port}\n",
        super::ACCOUNT
    )
}

/// An authority, a certificate by it, and the options that name both.
const TLS: &str = r#"
new="-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
openssl req $new -subj /CN=gannet -addext subjectAltName=DNS:localhost -keyout key.pem -out request.pem
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy -days 2 -out cert.pem
cat >tls.conf <<END
[{server, [{certfile, "$PWD/cert.pem"}, {keyfile, "$PWD/key.pem"}, {verify, verify_peer}, {fail_if_no_peer_cert, true},
           {cacertfile, "$PWD/ca.pem"}]},
 {client, [{certfile, "$PWD/cert.pem"}, {keyfile, "$PWD/key.pem"}, {verify, verify_peer}, {cacertfile, "$PWD/ca.pem"}]}].
END
chmod 0644 key.pem
"#;

/// Ends the epmd that the nodes have started: it outlives them.
struct Epmd(PathBuf, u16);

impl Drop for Epmd {
    fn drop(&mut self) {
        let _ = Command::new(&self.0).args(["-port", &self.1.to_string(), "-kill"]).output();
    }
}

/// Ends a node, however the test ends.
struct Stops<'a>(&'a Launcher);

impl Drop for Stops<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(&["stop"]);
    }
}

#[test]
fn two_nodes_of_one_package_talk_by_tls() {
    let (epmd_port, first_port, second_port) = (free_port(), free_port(), free_port());
    let node = format!(
        "env = {{ ERL_EPMD_PORT = \"{epmd_port}\" }}\n[service.node]\nname = \"one@localhost\"\nepmd = true\ntls = \"/etc/gannet/tls.conf\"\nport = {first_port}\n{}",
        second(second_port, epmd_port)
    );
    // The runtime starts epmd by a shell that takes no quotes.
    let Some(there) = Unpacked::within("tree", Kind::Nif, &node, "GANNET_PORT=\n") else { return };
    let etc = there.path("etc/gannet");
    fs::write(etc.join("two"), format!("GANNET_PORT={}\n", free_port())).unwrap();
    shell(TLS, &etc, &[]);
    let release = fs::canonicalize(there.path("usr/lib/gannet")).unwrap();
    let erts = fs::read_dir(&release).unwrap().map(|entry| entry.unwrap().path());
    let erts = erts.into_iter().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("erts-")).unwrap();
    let _epmd = Epmd(erts.join("bin/epmd"), epmd_port);

    there.ok(&["start"]);
    let two = there.other("gannet-two");
    let _stops = Stops(&two);
    two.ok(&["start"]);
    assert_eq!(there.answer(), "gannet as one@localhost: 42 so-so 3E19853B");
    let told = there.ok(&["describe"]);
    assert!(told.contains("with epmd, by TLS (") && told.contains("/etc/gannet/tls.conf)"), "{told}");

    // They find each other by name, and have one cookie.
    let ask = "IO.inspect({Node.connect(:two@localhost), Node.list()})";
    assert_eq!(there.ok(&["rpc", ask]), "{true, [:two@localhost]}\n");
    let ask = "IO.inspect(:erpc.call(:one@localhost, Gannet.Beak, :add, [1, 2]))";
    assert_eq!(two.ok(&["rpc", ask]), "3\n");

    // What the port of a node speaks is TLS, to nobody without a certificate of theirs.
    let client = |more: &[&str]| {
        let mut command = Command::new("openssl");
        command.args(["s_client", "-connect", &format!("127.0.0.1:{second_port}"), "-verify_return_error", "-CAfile"]);
        command.arg(etc.join("ca.pem")).args(more).stdin(std::process::Stdio::null());
        String::from_utf8_lossy(&command.output().unwrap().stdout).into_owned()
    };
    let told = client(&[]);
    assert!(told.contains("CN = gannet") && told.contains("Verify return code: 0 (ok)"), "{told}");
    let tables = fs::read_to_string("/proc/net/tcp").unwrap() + &fs::read_to_string("/proc/net/tcp6").unwrap();
    for port in [epmd_port, first_port, second_port] {
        // Of epmd on ::1 as well.
        let listens =
            tables.lines().filter_map(|line| line.split_whitespace().nth(1).filter(|_| line.contains(":0000 0A ")));
        let own: Vec<&str> = listens.filter_map(|address| address.strip_suffix(&format!(":{port:04X}"))).collect();
        let inside = ["0100007F", "00000000000000000000000001000000"];
        assert!(!own.is_empty() && own.iter().all(|address| inside.contains(address)), "{port}: {own:?}");
    }
    assert_eq!((two.run(&["stop"]).0, there.run(&["stop"]).0), (0, 0));
}
