//! The container (deb(5)): `debian-binary`, the control archive, the data archive, in this order.

use std::collections::BTreeMap;
use std::io;

use super::{conffiles, control, naming, relations, scripts, shlibs, triggers};
use crate::assemble::plan::{Compression, Plan};
use crate::codec::{ar, tar};
use crate::diagnostic::{Diagnostic, Findings, Severity, codes};
use crate::formats::stream::Frame;
use crate::formats::{Digests, Known, Large, Layout, Measure, Piece, Section};

/// Which section is which; what is deferred or computed asks for sizes by these.
const CONTROL: usize = 1;
const DATA: usize = 4;
/// Largest data archive in bytes.
const LARGEST: u64 = ar::LARGEST;

pub(super) fn layout<'p>(plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
    let name = naming::file_name(plan)?;
    check_data(plan)?;
    let frame = frame(plan);
    let control = control_tar(plan, digests, &frame)?;
    let compression = *plan.deb.compression;
    let control_compression = of_control(compression);
    let control_name = format!("control.tar{}", suffix(control_compression));
    let data_name = format!("data.tar{}", suffix(compression));
    let mut head = ar::MAGIC.to_vec();
    let version = b"2.0\n";
    head.extend(ar::header("debian-binary", plan.clock, version.len() as u64).map_err(|e| refused(&e))?);
    head.extend_from_slice(version);
    head.extend_from_slice(&ar::before_size(&control_name, plan.clock).map_err(|e| refused(&e))?);
    let between = ar::before_size(&data_name, plan.clock).map_err(|e| refused(&e))?.to_vec();
    let sections = vec![
        header(head, CONTROL, plan),
        stream(control_compression, move |sink| sink(Piece::literal(control.clone()))),
        padding(CONTROL),
        header(between, DATA, plan),
        stream(compression, move |sink| frame.write(plan.entries_for("deb"), compression, Vec::new(), sink)),
        padding(DATA),
    ];
    Ok(Layout { file_name: name.name, sections })
}

/// The control archive has gzip for a zstd one, too: tools that cannot read zstd still see the fields.
fn of_control(data: Compression) -> Compression {
    match data {
        Compression::Zstd(_) => Compression::Gzip(6),
        other => other,
    }
}

fn suffix(compression: Compression) -> &'static str {
    match compression {
        Compression::None => "",
        Compression::Gzip(_) => ".gz",
        Compression::Xz(_) => ".xz",
        Compression::Zstd(_) => ".zst",
    }
}

fn stream<'p>(
    compression: Compression,
    pieces: impl Fn(crate::formats::Sink<'_, 'p>) -> io::Result<()> + Send + Sync + 'p,
) -> Section<'p> {
    Section::Stream { compression, measure: Measure::default(), pieces: Box::new(pieces) }
}

/// A member header whose size is known when its section is.
fn header(before: Vec<u8>, of: usize, plan: &Plan) -> Section<'_> {
    stream(Compression::None, move |sink| {
        sink(Piece::literal(before.clone()))?;
        let fill = move |known: &Known| size_field(known, of, plan);
        sink(Piece::Deferred { width: ar::SIZE_WIDTH, fill: Box::new(fill) })?;
        sink(Piece::literal(&ar::AFTER_SIZE[..]))
    })
}

/// Ten digits; a member that compression left larger is refused.
fn size_field(known: &Known, of: usize, plan: &Plan) -> Result<Vec<u8>, Diagnostic> {
    let size = known.sections.get(of).map_or(0, |facts| facts.packed_size);
    ar::size_field(size).map(|field| field.to_vec()).map_err(|_| {
        let message = format!("the compressed data of the package has {size} bytes, over the {LARGEST} of a .deb");
        Diagnostic::error(codes::DEB_TOO_LARGE, message)
            .at_origin(&plan.deb.compression.origin, "compressed by this")
            .help("compress it harder, such as by `compression = \"xz:9\"` in `[format.deb]`, or split the package")
    })
}

fn padding<'p>(of: usize) -> Section<'p> {
    Section::Computed(Box::new(move |known| {
        let size = known.sections.get(of).map_or(0, |facts| facts.packed_size);
        ar::padding(size).to_vec()
    }))
}

/// Names and sizes are fitout's own here, so that only the clock can be wrong.
fn refused(error: &impl ToString) -> Findings {
    vec![Diagnostic::error(codes::DEB_PATH, error.to_string()).help("set a time from 1970 on")]
}

/// Refuses entries that tar cannot say, and more data than a .deb can hold. Sizes are known before content is read.
pub(super) fn check_data(plan: &Plan) -> Result<(), Findings> {
    let raw = frame(plan).check(plan.entries_for("deb"), codes::DEB_PATH)?;
    refuse_large(raw, plan)
}

/// Paths begin with `./`.
fn frame(plan: &Plan) -> Frame {
    Frame { prefix: ".".to_owned(), clock: plan.clock, large: Large::Last }
}

/// Refuses what cannot fit whatever a compressor does. deflate, xz and zstd end at about 1:1000 to 1:10000, so a real
/// bound exists only without compression.
fn refuse_large(raw: u64, plan: &Plan) -> Result<(), Findings> {
    if raw <= LARGEST || *plan.deb.compression != Compression::None {
        return Ok(());
    }
    let message = format!("the data of the package has {raw} bytes, over the {LARGEST} that a .deb can hold");
    Err(vec![
        Diagnostic::error(codes::DEB_TOO_LARGE, message)
            .at_origin(&plan.deb.compression.origin, "not compressed")
            .help("set `compression = \"zstd:3\"`, or split the package"),
    ])
}

/// The control archive, whole: a few kilobytes, and a line for each file.
fn control_tar(plan: &Plan, digests: &Digests, frame: &Frame) -> Result<Vec<u8>, Findings> {
    let mut findings = Findings::new();
    let files = control_files(plan, digests, &mut findings);
    if !findings.is_empty() {
        return Err(findings);
    }
    let mut bytes = frame.root().map_err(|e| refused(&e))?;
    for (name, (mode, text)) in files {
        let file = frame.file(name, mode, text.as_bytes());
        bytes.extend(
            file.map_err(|e| vec![Diagnostic::error(codes::DEB_PATH, e.to_string()).help("set a time from 1970 on")])?,
        );
    }
    bytes.extend_from_slice(tar::END);
    Ok(bytes)
}

/// Every file of the control archive by name, with its mode; empty ones are left out.
pub(super) fn control_files(
    plan: &Plan,
    digests: &Digests,
    findings: &mut Findings,
) -> BTreeMap<&'static str, (u32, String)> {
    let mut files = BTreeMap::new();
    files.insert("control", (0o644, control_text(plan, findings)));
    files.insert("conffiles", (0o644, conffiles::conffiles(plan, findings)));
    files.insert("md5sums", (0o644, conffiles::md5sums(plan, digests)));
    files.insert("triggers", (0o644, triggers::text(plan, findings)));
    for (name, text) in scripts::texts(plan, findings) {
        files.insert(name, (0o755, text));
    }
    files.retain(|_, (_, text)| !text.is_empty());
    files
}

/// The control file; needs no digests, so that `plan` can refuse before content is read.
pub(super) fn control_text(plan: &Plan, findings: &mut Findings) -> String {
    let (mut derived, doubts) = shlibs::depends(plan);
    // Warnings are lint's to tell; they refuse nothing.
    findings.extend(doubts.into_iter().filter(|d| d.severity == Severity::Error));
    derived.extend(scripts::depends(plan));
    let relations = relations::all(plan, &derived, findings);
    let size = control::installed_size(plan.entries_for("deb").filter(crate::formats::stream::is_carried));
    match naming::version(&plan.identity) {
        Ok(version) => control::text(plan, &version, &relations, size, findings),
        Err(more) => {
            findings.extend(more);
            String::new()
        }
    }
}
