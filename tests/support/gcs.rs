//! What programs see of Google Cloud Storage's XML interface: objects with generations, conditions and lists. Emulators that can be had
//! refuse its PUT or forget its conditions, so this one stands in.
//!
//! Source: Cloud Storage's documentation, "XML API reference" (PUT Object, GET Bucket) and "Request preconditions".

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use super::http::{Ask, Reply, decoded, serve};

/// What who asks has to show.
pub const SECRET: &str = "marked-secret-token-of-the-bucket";

#[derive(Default)]
struct Bucket {
    /// Bytes and generation of each object.
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    /// The last generation there was.
    generation: u64,
}

/// See the module. It has one bucket, `bucket`.
pub struct Server {
    bucket: Arc<Mutex<Bucket>>,
    url: String,
    /// A folder for whoever uses it.
    pub top: tempfile::TempDir,
}

impl Server {
    /// Answers until the test ends.
    pub fn start() -> Self {
        let (top, bucket) = (tempfile::tempdir().unwrap(), Arc::<Mutex<Bucket>>::default());
        let shared = Arc::clone(&bucket);
        let port = serve(move |ask| Some(answer(ask, &shared)));
        let url = format!("http://127.0.0.1:{port}");
        Self { bucket, url, top }
    }

    /// Names of all objects.
    pub fn objects(&self) -> Vec<String> {
        self.bucket.lock().unwrap().objects.keys().cloned().collect()
    }

    /// Whom a program is to ask, and as whom.
    pub fn variables(&self) -> [(&'static str, String); 2] {
        [("GOOGLE_BASE_URL", self.url.clone()), ("GOOGLE_BEARER_TOKEN", SECRET.to_owned())]
    }
}

fn answer(ask: &mut Ask, bucket: &Mutex<Bucket>) -> Reply {
    let body = ask.body(usize::MAX);
    if ask.header("authorization") != format!("Bearer {SECRET}") {
        return Reply::new(401).text("<Error><Code>AuthenticationRequired</Code></Error>");
    }
    let path = ask.path.split('?').next().unwrap_or_default();
    let key = decoded(path.strip_prefix("/bucket").unwrap_or_default().trim_start_matches('/'));
    let mut bucket = bucket.lock().unwrap();
    let found = bucket.objects.get(&key).cloned();
    match &*ask.method {
        "PUT" => {
            let wanted = Some(ask.header("x-goog-if-generation-match")).filter(|wanted| !wanted.is_empty());
            let there = found.map_or(0, |(_, generation)| generation);
            if wanted.is_some_and(|wanted| wanted != there.to_string()) {
                return Reply::new(412).text("<Error><Code>PreconditionFailed</Code></Error>");
            }
            bucket.generation += 1;
            let generation = bucket.generation;
            bucket.objects.insert(key, (body, generation));
            tagged(Reply::new(200), generation)
        }
        "GET" if key.is_empty() => Reply::new(200).text(list(&bucket.objects, ask)),
        "GET" | "HEAD" => {
            let Some((bytes, generation)) = found else {
                return Reply::new(404).text("<Error><Code>NoSuchKey</Code></Error>");
            };
            let Some((from, to)) = ask.header("range").strip_prefix("bytes=").and_then(|range| range.split_once('-'))
            else {
                return tagged(Reply::new(200), generation).text(bytes);
            };
            let from: usize = from.parse().unwrap();
            let end = to.parse::<usize>().map_or(bytes.len(), |to| bytes.len().min(to + 1));
            let range = format!("bytes {from}-{}/{}", end - 1, bytes.len());
            tagged(Reply::new(206), generation).with("Content-Range", range).text(&bytes[from..end])
        }
        "DELETE" => {
            bucket.objects.remove(&key);
            Reply::new(204)
        }
        _ => Reply::new(501),
    }
}

fn tagged(reply: Reply, generation: u64) -> Reply {
    reply
        .with("ETag", format!("\"{generation:x}\""))
        .with("x-goog-generation", generation.to_string())
        .with("Last-Modified", "Thu, 01 Jan 2026 00:00:00 GMT")
}

/// Objects below a prefix; with a delimiter those of one folder, and its folders.
fn list(objects: &BTreeMap<String, (Vec<u8>, u64)>, ask: &Ask) -> String {
    let (prefix, delimiter) = (ask.query("prefix").unwrap_or_default(), ask.query("delimiter"));
    let (mut said, mut folders) = ("<?xml version=\"1.0\"?><ListBucketResult>".to_owned(), BTreeSet::new());
    for (key, (bytes, generation)) in objects.iter().filter(|(key, _)| key.starts_with(&prefix)) {
        if let Some((folder, _)) = delimiter.as_ref().and_then(|delimiter| key[prefix.len()..].split_once(&**delimiter))
        {
            folders.insert(format!("{prefix}{folder}/"));
            continue;
        }
        let _ = write!(
            said,
            "<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
             <ETag>\"{generation:x}\"</ETag><Size>{}</Size></Contents>",
            bytes.len()
        );
    }
    for folder in folders {
        let _ = write!(said, "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>");
    }
    said + "</ListBucketResult>"
}
