use super::login::{Login, find};
use super::*;
use crate::codec::base64;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

const HUSH: &str = "marked-secret";

fn repository(text: &str) -> Repository {
    Repository::parse(text).unwrap()
}

fn auth(user: &str) -> String {
    base64::encode(format!("{user}:{HUSH}").as_bytes())
}

fn basic(user: &str) -> Login {
    Login::Basic { user: user.to_owned(), password: HUSH.to_owned() }
}

/// The environment of somebody whose config.json has this text, and whose helper `h` does this.
fn with(folder: &Path, config: &str, helper: &str) -> Variables {
    std::fs::write(folder.join("config.json"), config).unwrap();
    let program = folder.join("docker-credential-h");
    std::fs::write(&program, format!("#!/bin/sh\nread server\n{helper}\n")).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:/usr/bin:/bin", folder.display());
    Variables::from([("DOCKER_CONFIG".into(), folder.into()), ("PATH".into(), path.into())])
}

#[test]
fn entries_are_found_by_their_many_names() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b, hub) = (auth("host"), auth("path"), auth("hub"));
    let config = format!(
        r#"{{"auths":{{"ghcr.io":{{"auth":"{a}"}},"ghcr.io/team":{{"auth":"{b}"}},"https://old.example/v1/":{{"auth":"{a}"}},
            "https://index.docker.io/v1/":{{"auth":"{hub}"}},"t.example":{{"identitytoken":"{HUSH}"}},"empty.example":{{}}}}}}"#
    );
    let variables = with(folder.path(), &config, "exit 1");
    let of = |text: &str| find(&repository(text), &variables).unwrap();
    assert_eq!(of("ghcr.io/other/app"), basic("host"));
    assert_eq!(of("ghcr.io/team/app"), basic("path"));
    assert_eq!(of("old.example/app"), basic("host"));
    assert_eq!(of("docker.io/team/app"), basic("hub"));
    assert_eq!(of("t.example/app"), Login::Identity(HUSH.to_owned()));
    assert_eq!(of("empty.example/app"), Login::Anonymous);
    assert_eq!(of("nobody.example/app"), Login::Anonymous);
}

#[test]
fn a_helper_goes_before_an_entry_that_is_left_over() {
    let folder = tempfile::tempdir().unwrap();
    let stale = auth("stale");
    for key in [r#""credsStore":"h""#, r#""credHelpers":{"ghcr.io":"h"}"#] {
        let config = format!(r#"{{"auths":{{"ghcr.io":{{"auth":"{stale}"}}}},{key}}}"#);
        let of = |helper: &str| find(&repository("ghcr.io/team/app"), &with(folder.path(), &config, helper));
        let says =
            |user: &str| format!(r#"[ "$server" = ghcr.io ] && echo '{{"Username":"{user}","Secret":"{HUSH}"}}'"#);
        assert_eq!(of(&says("fresh")).unwrap(), basic("fresh"));
        assert_eq!(of(&says("<token>")).unwrap(), Login::Identity(HUSH.to_owned()));
        let unknown = "echo 'credentials not found in native keychain'; exit 1";
        assert_eq!(of(unknown).unwrap(), basic("stale"));
        let broken = of(&format!("echo {HUSH}; exit 3")).unwrap_err();
        assert_eq!(broken.trouble, crate::store::Trouble::Registry(Refusal::Login));
        assert!(!broken.message.contains(HUSH) && broken.message.contains("docker-credential-h"), "{broken}");
    }
}

#[test]
fn the_first_file_that_knows_the_host_counts() {
    let folder = tempfile::tempdir().unwrap();
    let mut variables =
        with(folder.path(), &format!(r#"{{"auths":{{"ghcr.io":{{"auth":"{}"}}}}}}"#, auth("docker")), "");
    let own = folder.path().join("auth.json");
    let write = |host: &str| {
        std::fs::write(&own, format!(r#"{{"auths":{{"{host}":{{"auth":"{}"}}}}}}"#, auth("named"))).unwrap()
    };
    variables.insert("REGISTRY_AUTH_FILE".into(), own.clone().into());
    write("ghcr.io");
    assert_eq!(find(&repository("ghcr.io/a"), &variables).unwrap(), basic("named"));
    write("quay.io");
    assert_eq!(find(&repository("ghcr.io/a"), &variables).unwrap(), basic("docker"));
    std::fs::write(&own, format!("{{\"auths\": {HUSH}")).unwrap();
    let error = find(&repository("ghcr.io/a"), &variables).unwrap_err();
    assert!(!error.message.contains(HUSH) && error.message.contains("auth.json"), "{error}");
}
