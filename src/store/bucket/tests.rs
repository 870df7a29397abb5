//! A store that passes over conditions: what keeps writers apart there is the lease.

use std::fmt;

use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::{CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, PutResult, Result as StoreResult};

use super::*;

#[derive(Debug, Default)]
struct Careless(InMemory);

impl fmt::Display for Careless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("careless")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Careless {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> StoreResult<PutResult> {
        self.0.put_opts(path, payload, PutOptions { mode: PutMode::Overwrite, ..options }).await
    }

    async fn put_multipart_opts(
        &self,
        path: &Path,
        options: PutMultipartOptions,
    ) -> StoreResult<Box<dyn MultipartUpload>> {
        self.0.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> StoreResult<GetResult> {
        self.0.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, StoreResult<Path>>) -> BoxStream<'static, StoreResult<Path>> {
        self.0.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, StoreResult<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> StoreResult<ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> StoreResult<()> {
        self.0.copy_opts(from, to, options).await
    }
}

fn bucket(store: &Arc<Careless>) -> Bucket {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let name = "s3://careless".to_owned();
    Bucket { name, store: store.clone(), prefix: "deep".to_owned(), runtime, conditions: OnceLock::new() }
}

const KIND: Kind = Kind { content_type: "text/plain", immutable: false, sha256: None };

fn text(text: &str) -> Body {
    Body::Bytes(text.as_bytes().into())
}

#[test]
fn a_lease_keeps_others_out() {
    let store = Arc::new(Careless::default());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let bucket = bucket(&store);
                for _ in 0..2 {
                    let mut hold = bucket.hold(".x").unwrap().expect("a store without conditions needs one");
                    let old = bucket.get("n").unwrap();
                    let count = old.as_ref().map_or(0, |old| String::from_utf8_lossy(&old.bytes).parse().unwrap());
                    let when = old.map_or(When::Absent, |old| When::Is(old.meta.tag));
                    assert!(hold.renew().unwrap());
                    bucket.put("n", &text(&(count + 1_u32).to_string()), &KIND, &when).unwrap();
                }
            });
        }
    });
    let bucket = bucket(&store);
    assert_eq!(bucket.get("n").unwrap().unwrap().bytes, b"4");
    let left: Vec<String> = bucket.list("", Depth::All).unwrap().into_iter().map(|meta| meta.key).collect();
    assert_eq!(left, ["n"], "neither the probe nor the lease stays");
}

#[test]
fn a_lease_that_ended_is_told_and_left_to_its_new_owner() {
    let store = Arc::new(Careless::default());
    let bucket = bucket(&store);
    let mut hold = bucket.hold(".x").unwrap().unwrap();
    assert!(hold.renew().unwrap());
    let stranger = text(&format!("stranger {}", clock::now() + LEASE));
    bucket.put(".x.fitout-lease", &stranger, &KIND, &When::Always).unwrap();
    assert!(!hold.renew().unwrap());
    drop(hold);
    assert!(bucket.head(".x.fitout-lease").unwrap().is_some());
    // One whose owner was killed ends by itself.
    bucket.put(".x.fitout-lease", &text(&format!("stranger {}", clock::now() - 1)), &KIND, &When::Always).unwrap();
    let mut hold = bucket.hold(".x").unwrap().unwrap();
    assert!(hold.renew().unwrap());
    // And one that is about to end is nobody's to renew.
    let own = String::from_utf8(bucket.get(".x.fitout-lease").unwrap().unwrap().bytes).unwrap();
    let (own, _) = own.split_once(' ').unwrap();
    let soon = text(&format!("{own} {}", clock::now() + MARGIN - 1));
    bucket.put(".x.fitout-lease", &soon, &KIND, &When::Always).unwrap();
    assert!(!hold.renew().unwrap());
}
