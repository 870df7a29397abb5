//! A node in an image: read-only, asked from outside, stopped at any moment.

use std::fs;
use std::time::{Duration, Instant};

use super::each::{ALL, There};
use super::made::{Kind, Project};
use super::watched;
use crate::image::{Podman, greeting, image_of, possible};

const PROGRAMS: [&str; 2] = ["usr/lib/*/erts-*/bin/beam.smp", "usr/lib/*/erts-*/bin/erlexec"];

fn run(podman: &Podman, image: &str) -> String {
    podman.started(&["--env=HERON_PORT=4201", "--env=HERON_GREETING=hello"], image)
}

/// Waits for what a node of a container answers that begins so.
fn answers(podman: &Podman, container: &str, port: u16, start: &str) {
    let process = podman.ok(&["inspect", "--format={{.State.Pid}}", container]);
    let deadline = Instant::now() + Duration::from_secs(60);
    while !greeting(&process, port).starts_with(start) {
        let (_, logs) = podman.said(&["logs", container]);
        assert!(Instant::now() < deadline, "no {start:?}, but {:?}: {logs}", greeting(&process, port));
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What mix makes is in the other test.
#[test]
fn releases_of_other_producers_run() {
    if !possible() {
        return;
    }
    for there in ALL.iter().filter(|there| there.kind != Kind::Mix) {
        let There { kind, environment, port, answers: start, asks: [question, answer], .. } = *there;
        let Some(project) = Project::new(kind, false, "") else { return };
        let natives = ["usr/lib/*/lib/crypto-*/priv/lib/*.so", "usr/lib/*/lib/gannet-*/priv/echo"];
        let more: &[&str] = match kind {
            Kind::Nif => &natives,
            // Its hooks are scripts of bash.
            Kind::Distillery => &["/bin/bash"],
            _ => &[],
        };
        let programs = [&PROGRAMS[..], more].concat();
        let archive = image_of(project.folder(), &programs);
        let podman = Podman::new();
        let image = podman.ok(&["pull", "--quiet", &format!("docker-archive:{}", archive.display())]);
        let variables: Vec<String> = environment.lines().map(|variable| format!("--env={variable}")).collect();
        let variables: Vec<&str> = variables.iter().map(String::as_str).collect();
        let container = podman.started(&variables, &image);
        watched(&["a-secret-of-the-environment", "a-cookie-that-was-built-in"], || {
            answers(&podman, &container, port, start);
            let command = format!("/usr/bin/{}", project.name);
            assert_eq!(podman.ok(&["exec", &container, &command, "rpc", question]), answer, "{kind:?}");
        });
        podman.ok(&["stop", "--time=30", &container]);
        let (_, logs) = podman.said(&["logs", &container]);
        assert_eq!(podman.ok(&["wait", &container]), "0", "{kind:?}: {logs}");
    }
}

#[test]
fn it_is_asked_and_never_loses_a_signal() {
    if !possible() {
        return;
    }
    let Some(project) = Project::new(Kind::Mix, false, "ready = { port = 4201 }\n") else { return };
    let archive = image_of(project.folder(), &PROGRAMS);
    let podman = Podman::new();
    let image = podman.ok(&["pull", "--quiet", &format!("docker-archive:{}", archive.display())]);
    let container = run(&podman, &image);
    answers(&podman, &container, 4201, "heron 0.3.1 as heron_line@127.0.0.1: hello by heron_line");
    let of = |words: &[&str]| podman.ok(&[&["exec", &container], words].concat());
    let cookie = of(&["cat", "/tmp/.erlang.cookie"]);
    assert_eq!(of(&["stat", "-c", "%a", "/tmp/.erlang.cookie"]), "400");
    watched(&[&cookie], || {
        assert_eq!(of(&["/usr/bin/heron-line", "rpc", "IO.puts(node())"]), "heron_line@127.0.0.1");
        assert_eq!(of(&["/usr/bin/heron-line", "ping"]), "");
        let (code, said) = podman.said(&["healthcheck", "run", &container]);
        assert_eq!(code, 0, "{said}");
    });
    podman.ok(&["stop", "--time=30", &container]);
    assert_eq!(podman.ok(&["wait", &container]), "0");
    // Each image has a cookie only where it runs.
    let archive = fs::read(&archive).unwrap();
    assert!(!archive.windows(cookie.len()).any(|bytes| bytes == cookie.as_bytes()));

    let rounds = if std::env::var_os("FITOUT_SOAK").is_some() { 60 } else { 6 };
    for round in 0..rounds {
        let moment = Duration::from_millis(round * (1_200 / rounds));
        let container = run(&podman, &image);
        std::thread::sleep(moment);
        let begun = Instant::now();
        podman.ok(&["stop", "--time=30", &container]);
        let code = podman.ok(&["wait", &container]);
        let (_, logs) = podman.said(&["logs", &container]);
        assert_eq!(code, "0", "after {moment:?}: {logs}");
        assert!(begun.elapsed() < Duration::from_secs(20), "after {moment:?}: {:?}: {logs}", begun.elapsed());
    }
}
