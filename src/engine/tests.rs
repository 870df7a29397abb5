//! The engine alone: layouts of made-up sections.

use std::io::Read as _;
use std::path::Path;

use super::cache::Cache;
use super::emit::emit;
use super::store::{Store, Wants};
use crate::assemble::plan::{Compression, SourceId, Sources, Stat};
use crate::codec::hashes::Hashes;
use crate::diagnostic::{Diagnostic, codes};
use crate::formats::{Layout, Measure, Piece, Section};
use crate::listener::Silent;

fn noise(length: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 17;
            state ^= state << 5;
            (state >> 24) as u8 & 0x3f
        })
        .collect()
}

/// Small, spliced, empty, and piecewise content, from memory and from files.
fn sources(folder: &Path) -> (Sources, Vec<Vec<u8>>) {
    let mut sources = Sources::default();
    let mut contents = Vec::new();
    for (index, length) in [0usize, 1, 16_383, 16_384, 100_000, 1 << 20, (9 << 20) + 17, 3].into_iter().enumerate() {
        let bytes = noise(length, index as u32);
        if index % 2 == 0 {
            let path = folder.join(format!("in{index}"));
            fs_err::write(&path, &bytes).unwrap();
            let stat = Stat::of(&fs_err::metadata(&path).unwrap());
            sources.file(path, stat);
        } else {
            sources.made(bytes.clone());
        }
        contents.push(bytes);
    }
    (sources, contents)
}

fn layout(count: u32, compression: Compression) -> Layout<'static> {
    let measure = Measure { raw: Hashes::ALL, packed: Hashes::ALL };
    Layout {
        file_name: "out".into(),
        sections: vec![
            Section::Stream {
                compression: Compression::None,
                measure: Measure::default(),
                pieces: Box::new(|sink| {
                    sink(Piece::Deferred {
                        width: 8,
                        fill: Box::new(|k| Ok(k.sections[1].packed_size.to_le_bytes().to_vec())),
                    })
                }),
            },
            Section::Stream {
                compression,
                measure,
                pieces: Box::new(move |sink| {
                    for id in 0..count {
                        sink(Piece::literal(format!("<{id}>").into_bytes()))?;
                        sink(Piece::Content(SourceId(id)))?;
                    }
                    Ok(())
                }),
            },
            Section::Computed(Box::new(|known| {
                let mut all = known.sections[1].packed.sha256.unwrap().to_vec();
                all.extend(known.sections[1].raw.sha256.unwrap());
                all
            })),
        ],
    }
}

fn decode(compression: Compression, packed: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match compression {
        Compression::None => out.extend(packed),
        // The plain decoder stops after one member: so there is only one.
        Compression::Gzip(_) => drop(flate2::read::GzDecoder::new(packed).read_to_end(&mut out).unwrap()),
        Compression::Xz(_) => drop(liblzma::read::XzDecoder::new(packed).read_to_end(&mut out).unwrap()),
        Compression::Zstd(_) => out = zstd::decode_all(packed).unwrap(),
    }
    out
}

fn build(folder: &Path, sources: &Sources, compression: Compression, threads: usize) -> Vec<u8> {
    let wants = Wants { md5: true, levels: [(1, 1), (6, 2)].into(), zip_level: Some(6), twins: true, verify: true };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        let (store, _) = Store::fill(sources.list(), &wants, folder, None, &Silent).unwrap();
        let layout = layout(sources.list().len() as u32, compression);
        let emitted = emit(&layout, &store, folder, threads).unwrap();
        let path = emitted.stage(folder).unwrap().finish().unwrap();
        fs_err::read(path).unwrap()
    })
}

#[test]
fn streams_decode_to_their_pieces_with_the_same_bytes_for_any_thread_count() {
    use sha2::Digest as _;
    let folder = tempfile::tempdir().unwrap();
    let (sources, contents) = sources(folder.path());
    let mut raw = Vec::new();
    for (id, content) in contents.iter().enumerate() {
        raw.extend(format!("<{id}>").into_bytes());
        raw.extend(content);
    }
    for compression in
        [Compression::None, Compression::Gzip(1), Compression::Gzip(6), Compression::Xz(0), Compression::Zstd(3)]
    {
        let out = build(folder.path(), &sources, compression, 1);
        assert!(out == build(folder.path(), &sources, compression, 3), "{compression:?} depends on the thread count");
        let packed = &out[8..out.len() - 64];
        assert_eq!(u64::from_le_bytes(out[..8].try_into().unwrap()), packed.len() as u64, "deferred size");
        assert!(decode(compression, packed) == raw, "{compression:?}");
        assert_eq!(out[out.len() - 64..out.len() - 32], sha2::Sha256::digest(packed)[..]);
        assert_eq!(out[out.len() - 32..], sha2::Sha256::digest(&raw)[..]);
    }
}

#[test]
fn deflated_content_has_the_length_that_the_digest_says() {
    let folder = tempfile::tempdir().unwrap();
    let (sources, contents) = sources(folder.path());
    let wants = Wants { zip_level: Some(6), ..Wants::default() };
    let (store, digests) = Store::fill(sources.list(), &wants, folder.path(), None, &Silent).unwrap();
    for (id, content) in contents.iter().enumerate() {
        let id = SourceId(id as u32);
        let mut stream = Vec::new();
        store
            .deflated(id, |bytes| {
                stream.extend(bytes);
                Ok(())
            })
            .unwrap();
        assert_eq!(digests[id].deflated, stream.len() as u64);
        assert_eq!(digests[id].crc32, crc32fast::hash(content));
        let mut out = Vec::new();
        flate2::read::DeflateDecoder::new(&stream[..]).read_to_end(&mut out).unwrap();
        assert!(out == *content);
    }
}

#[test]
fn a_changed_file_is_an_error_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = tempfile::tempdir().unwrap();
    let path = inputs.path().join("data");
    for change in ["longer", "shorter", "same length", "gone"] {
        fs_err::write(&path, vec![7; 50_000]).unwrap();
        let stat = Stat::of(&fs_err::metadata(&path).unwrap());
        let mut sources = Sources::default();
        sources.file(path.clone(), stat);
        let wants = Wants { levels: [(6, 1)].into(), ..Wants::default() };
        let (store, _) = Store::fill(sources.list(), &wants, folder.path(), None, &Silent).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5));
        match change {
            "longer" => fs_err::write(&path, vec![7; 50_001]).unwrap(),
            "shorter" => fs_err::write(&path, vec![7; 49_999]).unwrap(),
            "same length" => fs_err::write(&path, vec![8; 50_000]).unwrap(),
            _ => fs_err::remove_file(&path).unwrap(),
        }
        // Before the first reading, and between the phases: raw bytes are read again.
        let again = Store::fill(sources.list(), &wants, folder.path(), None, &Silent).err().unwrap();
        let later = emit(&layout(1, Compression::None), &store, folder.path(), 1).unwrap_err();
        for error in [again, later] {
            let code = Diagnostic::from(error).code.name;
            assert_eq!(code, if change == "gone" { "engine/read" } else { "engine/changed" }, "{change}");
        }
        assert_eq!(fs_err::read_dir(folder.path()).unwrap().count(), 0, "{change}");
    }
}

#[test]
fn small_content_that_was_not_read_again_must_be_as_it_was() {
    let (folder, inputs, caches) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (project, path) = (caches.path().join("projects/a"), inputs.path().join("data"));
    let wants = Wants { levels: [(6, 1)].into(), zip_level: Some(6), ..Wants::default() };
    for change in ["longer", "shorter", "same length", "gone"] {
        fs_err::write(&path, vec![7; 5_000]).unwrap();
        // What changed in the last moment is not trusted.
        std::thread::sleep(std::time::Duration::from_millis(100));
        let mut sources = Sources::default();
        sources.file(path.clone(), Stat::of(&fs_err::metadata(&path).unwrap()));
        let open = || Cache::open(&project, caches.path(), 1 << 30, None);
        let fill = |cache| Store::fill(sources.list(), &wants, folder.path(), Some(cache), &Silent).unwrap().0;
        let cache = open();
        let (out, first) = (layout(1, Compression::Gzip(6)), fill(&cache));
        let cold = emit(&out, &first, folder.path(), 1).unwrap().sha256;
        assert_eq!(first.keep(), []);
        let later = (open(), open());
        let (unread, kept) = (fill(&later.0), fill(&later.1));
        assert_eq!(emit(&out, &unread, folder.path(), 1).unwrap().sha256, cold);
        match change {
            "longer" => fs_err::write(&path, vec![7; 5_001]).unwrap(),
            "shorter" => fs_err::write(&path, vec![7; 4_999]).unwrap(),
            "same length" => fs_err::write(&path, vec![8; 5_000]).unwrap(),
            _ => fs_err::remove_file(&path).unwrap(),
        }
        let code = Diagnostic::from(emit(&out, &kept, folder.path(), 1).unwrap_err()).code.name;
        assert_eq!(code, if change == "gone" { "engine/read" } else { "engine/changed" }, "{change}");
        fs_err::remove_dir_all(caches.path().join("projects")).unwrap();
    }
}

#[test]
fn large_content_that_is_kept_is_as_the_walk_saw_it() {
    let (folder, inputs, caches) =
        (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (project, path) = (caches.path().join("projects/a"), inputs.path().join("data"));
    let wants = Wants { levels: [(6, 1)].into(), ..Wants::default() };
    let walked = || {
        // What changed in the last moment is not trusted.
        std::thread::sleep(std::time::Duration::from_millis(100));
        let mut sources = Sources::default();
        sources.file(path.clone(), Stat::of(&fs_err::metadata(&path).unwrap()));
        sources
    };
    let build = |sources: &Sources| {
        let cache = Cache::open(&project, caches.path(), 1 << 30, None);
        let (store, _) = Store::fill(sources.list(), &wants, folder.path(), Some(&cache), &Silent)?;
        // Of a stream whose bytes before compression nobody hashes.
        let pieces: crate::formats::Pieces = Box::new(|sink| sink(Piece::Content(SourceId(0))));
        let stream = Section::Stream { compression: Compression::Gzip(6), measure: Measure::default(), pieces };
        let layout = Layout { file_name: "out".into(), sections: vec![stream] };
        let sha256 = emit(&layout, &store, folder.path(), 1)?.sha256;
        assert_eq!(store.keep(), []);
        Ok::<_, super::EngineError>(sha256)
    };
    fs_err::write(&path, vec![7; 50_000]).unwrap();
    let before = walked();
    let cold = build(&before).unwrap();
    fs_err::write(&path, vec![8; 50_000]).unwrap();
    assert_eq!(build(&before).unwrap(), cold);
    fs_err::remove_file(&path).unwrap();
    assert_eq!(build(&before).unwrap(), cold);
    // The next walk sees the change: nothing was noted of it under the old stat.
    fs_err::write(&path, vec![8; 50_000]).unwrap();
    assert_ne!(build(&walked()).unwrap(), cold);
    fs_err::remove_file(&path).unwrap();
    fs_err::remove_dir_all(caches.path().join("projects")).unwrap();
    assert!(matches!(build(&before), Err(super::EngineError::Read { .. })), "what is not kept must be read");
}

#[test]
fn a_format_may_refuse_what_compression_left() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = Store::fill(&[], &Wants::default(), folder.path(), None, &Silent).unwrap();
    let refusal = Diagnostic::error(codes::DEB_TOO_LARGE, "too large");
    let said = refusal.clone();
    let layout = Layout {
        file_name: "out".into(),
        sections: vec![Section::Stream {
            compression: Compression::None,
            measure: Measure::default(),
            pieces: Box::new(move |sink| {
                let said = said.clone();
                sink(Piece::Deferred { width: 8, fill: Box::new(move |_| Err(said.clone())) })
            }),
        }],
    };
    let error = emit(&layout, &store, folder.path(), 1).unwrap_err();
    assert_eq!(Diagnostic::from(error), refusal);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "something is left");
}

#[test]
fn only_what_nothing_is_kept_of_is_new() {
    let (folder, caches) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let project = folder.path().join("fitout.toml");
    let wants = Wants { levels: [(6, 2)].into(), zip_level: Some(6), ..Wants::default() };
    let sources = |seeds: [u32; 2]| {
        let mut sources = Sources::default();
        for seed in seeds {
            sources.made(noise(if seed % 2 == 0 { 900 } else { 40_000 }, seed));
        }
        sources
    };
    let is_new = |seeds| {
        let (cache, sources) = (Cache::open(&project, caches.path(), 1 << 30, None), sources(seeds));
        let (store, _) = Store::fill(sources.list(), &wants, folder.path(), Some(&cache), &Silent).unwrap();
        assert_eq!(store.keep(), []);
        store.is_new()
    };
    assert!(is_new([2, 3]), "the cache is empty");
    assert!(is_new([4, 5]), "the cache has what others asked for");
    assert!(!is_new([2, 3]) && !is_new([4, 7]) && !is_new([8, 5]), "some of it is kept");
    let sources = sources([2, 3]);
    assert!(Store::fill(sources.list(), &wants, folder.path(), None, &Silent).unwrap().0.is_new(), "there is no cache");
}
