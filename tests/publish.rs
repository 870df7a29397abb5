//! What is published is installed by those who would: apt, dnf and zypper from a web server, podman from a registry.
//!
//! Enters: packages made for a test. They are published into folders and buckets, by several at once, by publishers that are killed. It
//! needs root and the tools that `./test` installs; an absent one is named, and fails the tests under `FITOUT_REQUIRE_FOREIGN=1`.
#![allow(
    clippy::disallowed_methods,
    clippy::pedantic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests tell what they found, and stop where they are wrong"
)]

mod support;

#[path = "install/roots.rs"]
#[allow(dead_code, reason = "the tests of installation use all of it")]
mod roots;

#[path = "install/distribution.rs"]
#[allow(dead_code, reason = "the tests of installation use all of it")]
mod distribution;

#[path = "install/managers.rs"]
#[allow(dead_code, reason = "the tests of installation use all of it")]
mod managers;

#[path = "publish/shop.rs"]
mod shop;

#[path = "install/image.rs"]
#[allow(dead_code, reason = "the tests of installation use all of it")]
mod image;

#[path = "publish/apt.rs"]
mod apt;

#[path = "publish/races.rs"]
mod races;

#[path = "publish/secrets.rs"]
mod secrets;

#[path = "publish/faults.rs"]
mod faults;

#[path = "publish/registry.rs"]
mod registry;

#[path = "publish/base.rs"]
mod base;

#[path = "publish/registry_server.rs"]
mod registry_server;

#[path = "publish/registry_stub.rs"]
mod registry_stub;

#[path = "publish/repo.rs"]
mod repo;

#[path = "publish/mended.rs"]
mod mended;

#[path = "publish/stores.rs"]
mod stores;

#[path = "publish/yum.rs"]
mod yum;

#[path = "publish/yum_lists.rs"]
mod yum_lists;

#[path = "publish/yum_size.rs"]
mod yum_size;

#[path = "publish/page.rs"]
mod page;

#[path = "publish/files.rs"]
mod files;

#[path = "publish/record.rs"]
mod record;

#[path = "publish/http_sender.rs"]
mod http_sender;

#[path = "publish/http_store.rs"]
mod http_store;

#[path = "publish/http_products.rs"]
mod http_products;

#[path = "publish/http_releases.rs"]
mod http_releases;

#[path = "publish/command.rs"]
mod command;

#[path = "publish/versions.rs"]
mod versions;
