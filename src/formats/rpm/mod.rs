//! RPM packages, format v4 and v6.
//!
//! Enters: a Plan and the digests of its content. Leaves: a Layout of two sections, what stands before the payload and
//! the payload; and from bytes of any origin, a Listing. Not here: signing, which fills the reserved space of a copy.

use std::sync::Arc;

use ::rpm::IndexTag as T;

use crate::assemble::plan::{Abilities, Compression, Dialect, Fact, Plan};
use crate::diagnostic::codes::{RPM_CLOCK, RPM_HEADER_TOO_LARGE, RPM_PREFIX, RPM_TEXT};
use crate::diagnostic::{Diagnostic, Findings, Origin};
use crate::formats::{Artifact, FileName, Format, Layout, Listing, Measure, Piece, Section};
use crate::formats::{Digests, libc};

mod changelog;
mod classes;
pub mod elfdeps;
pub mod facts;
mod files;
mod header;
pub mod naming;
mod needs;
mod opening;
pub mod order;
mod read;
pub mod relations;
mod rich;
mod scripts;
pub mod signing;
#[cfg(test)]
mod tests;

use files::Files;
use header::Writer;
use naming::Name;
use needs::Needs;
use opening::Opening;
use scripts::Scripts;

/// What stands in for the name of the machine that built it.
const BUILD_HOST: &str = "reproducible";
/// First bytes of every rpm.
const MAGIC: [u8; 4] = [0xed, 0xab, 0xee, 0xdb];

/// The format.
#[derive(Debug)]
pub struct Rpm;

impl Format for Rpm {
    fn name(&self) -> &'static str {
        "rpm"
    }

    fn abilities(&self) -> Abilities {
        Abilities {
            owners: true,
            capabilities: true,
            hardlinks: true,
            ghosts: true,
            dialect: Dialect::Rpm,
            largest_file: i64::MAX as u64,
        }
    }

    fn file_name(&self, plan: &Plan) -> Result<FileName, Findings> {
        let name = Spelled::of(plan)?.name;
        Ok(FileName { name: name.file_name(), arch: name.arch.name.to_owned(), version: name.evr() })
    }

    fn layout<'p>(&self, plan: &'p Plan, digests: &'p Digests) -> Result<Layout<'p>, Findings> {
        let Spelled { name, scripts, needs, clock } = Spelled::of(plan)?;
        let format = plan.rpm.format_version;
        let files = Files::of(plan, digests, clock, format == 6)?;
        check_prefixes(plan, &files)?;
        let needs = needs.complete(plan, &name, &scripts, files.traits())?;

        let mut header = Writer::default();
        identity(plan, &name, clock, &mut header);
        payload_words(plan, &mut header);
        needs.write(&mut header);
        scripts.write(&mut header);
        changelog::write(plan, &name, &mut header);
        files.write(plan, &mut header);
        match u32::try_from(files.installed_size()) {
            Ok(size) if format != 6 => header.int32(T::RPMTAG_SIZE, [size]),
            _ => header.int64(T::RPMTAG_LONGSIZE, [files.installed_size()]),
        }
        opening::reserve(&mut header, format);
        let main = header.finish(header::REGION_IMMUTABLE);
        if main.bytes.len() > header::Limits::MAIN.data as usize {
            return Err(vec![
                Diagnostic::error(RPM_HEADER_TOO_LARGE, format!("the rpm header takes {} bytes", main.bytes.len()))
                    .help("rpm takes 256 MiB; ship the files as one archive, or in several packages"),
            ]);
        }
        let nevr = format!("{}-{}", name.name, name.evr());
        let lead = opening::lead(&nevr, name.arch.number, format);
        let opening = Arc::new(Opening::new(lead, main, files.archive_size(), format));
        Ok(Layout { file_name: name.file_name(), sections: sections(plan, opening, files) })
    }

    fn recognises(&self, head: &[u8], _name: &str) -> bool {
        head.starts_with(&MAGIC)
    }

    fn read(&self, artifact: &mut dyn Artifact, name: &str) -> Result<Listing, Diagnostic> {
        read::read(artifact, name)
    }
}

fn sections<'p>(plan: &Plan, opening: Arc<Opening>, files: Files<'p>) -> Vec<Section<'p>> {
    let width = opening.width();
    let before = Section::Stream {
        compression: Compression::None,
        measure: Measure::default(),
        pieces: Box::new(move |sink| {
            let opening = Arc::clone(&opening);
            sink(Piece::Deferred { width, fill: Box::new(move |known| Ok(opening.fill(known))) })
        }),
    };
    let payload = Section::Stream {
        compression: *plan.rpm.compression,
        measure: opening::measure(plan.rpm.format_version),
        pieces: Box::new(move |sink| files.pieces(sink)),
    };
    vec![before, payload]
}

/// What can be said of a plan, and refused, before content is known.
struct Spelled {
    name: Name,
    scripts: Scripts,
    needs: Needs,
    clock: u32,
}

impl Spelled {
    fn of(plan: &Plan) -> Result<Self, Findings> {
        let mut findings = check_texts(plan);
        if plan.rpm.auto_requires {
            findings.extend(libc::of_musl(plan, "rpm", |_| false));
        }
        let name = naming::name(plan);
        let scripts = Scripts::of(plan);
        let needs = Needs::typed(plan);
        let clock = u32::try_from(plan.clock).map_err(|_| {
            let message = format!("rpm cannot carry the time {}", plan.clock);
            vec![Diagnostic::error(RPM_CLOCK, message).help("set SOURCE_DATE_EPOCH to a time between 1970 and 2106")]
        });
        match (name, scripts, needs, clock) {
            (Ok(name), Ok(scripts), Ok(needs), Ok(clock)) if findings.is_empty() => {
                Ok(Self { name, scripts, needs, clock })
            }
            (name, scripts, needs, clock) => {
                for more in [name.err(), scripts.err(), needs.err(), clock.err()] {
                    findings.extend(more.into_iter().flatten());
                }
                Err(findings)
            }
        }
    }
}

/// Header strings end at a NUL, and all but the description are one line.
fn check_texts(plan: &Plan) -> Findings {
    let identity = &plan.identity;
    let fact = |f: &'_ Fact<String>| (f.value.clone(), f.origin.clone());
    let unplaced = |text: &str| (text.to_owned(), Origin::Default);
    let mut texts = vec![
        ("summary", fact(&identity.summary)),
        ("license", fact(&identity.license)),
        ("group", fact(&plan.rpm.group)),
        ("packager", fact(&plan.rpm.packager)),
        ("vendor", unplaced(identity.vendor.as_deref().unwrap_or_default())),
    ];
    texts.extend(identity.homepage.as_ref().map(|url| ("homepage", fact(url))));
    texts.extend(identity.repository.as_ref().map(|url| ("repository", fact(url))));
    let mut findings = Findings::new();
    for (key, (text, origin)) in texts {
        if text.contains(['\0', '\n', '\r']) {
            findings.push(
                Diagnostic::error(RPM_TEXT, format!("`{key}` is not one line of text"))
                    .at_origin(&origin, "this text")
                    .help("put paragraphs into `description`"),
            );
        }
    }
    if identity.description.contains('\0') {
        findings.push(Diagnostic::error(RPM_TEXT, "`description` holds a NUL").help("remove the NUL"));
    }
    findings
}

fn check_prefixes(plan: &Plan, files: &Files<'_>) -> Result<(), Findings> {
    let mut findings = Findings::new();
    for prefix in &plan.rpm.prefixes {
        let why = if !prefix.starts_with('/') || prefix.contains('\0') {
            "is no absolute path"
        } else if !files.any_under(prefix) {
            "has no file of the package under it"
        } else {
            continue;
        };
        findings.push(
            Diagnostic::error(RPM_PREFIX, format!("the relocatable prefix `{}` {why}", **prefix))
                .at_origin(&prefix.origin, "this prefix")
                .help("name a directory that holds files of the package, such as `/opt/name`"),
        );
    }
    if findings.is_empty() { Ok(()) } else { Err(findings) }
}

/// Who and what it is.
fn identity(plan: &Plan, name: &Name, clock: u32, header: &mut Writer) {
    let id = &plan.identity;
    header.texts(T::RPMTAG_HEADERI18NTABLE, ["C"]);
    header.text(T::RPMTAG_NAME, &name.name);
    header.text(T::RPMTAG_VERSION, &name.version);
    header.text(T::RPMTAG_RELEASE, &name.release);
    header.int32(T::RPMTAG_EPOCH, name.epoch);
    header.localised(T::RPMTAG_SUMMARY, &id.summary);
    // A package without a description is shown with its summary, as other tools do it too.
    let description = if id.description.is_empty() { &*id.summary } else { &id.description };
    header.localised(T::RPMTAG_DESCRIPTION, description);
    header.int32(T::RPMTAG_BUILDTIME, [clock]);
    header.text(T::RPMTAG_BUILDHOST, BUILD_HOST);
    if let Some(vendor) = &id.vendor {
        header.text(T::RPMTAG_VENDOR, vendor);
    }
    header.text(T::RPMTAG_LICENSE, &id.license);
    header.text(T::RPMTAG_PACKAGER, &plan.rpm.packager);
    header.localised(T::RPMTAG_GROUP, &plan.rpm.group);
    if let Some(homepage) = &id.homepage {
        header.text(T::RPMTAG_URL, homepage);
    }
    if let Some(repository) = &id.repository {
        // The commit behind `#`, as the build services of distributions write it.
        let commit = id.revision.as_ref().map(|commit| format!("#{commit}")).unwrap_or_default();
        header.text(T::RPMTAG_VCS, &format!("{}{commit}", **repository));
    }
    header.text(T::RPMTAG_OS, plan.target.os);
    header.text(T::RPMTAG_ARCH, name.arch.name);
    header.text(T::RPMTAG_SOURCERPM, &name.source());
    // What built the package, which is not rpm.
    header.text(T::RPMTAG_RPMVERSION, concat!("fitout-", env!("CARGO_PKG_VERSION")));
    // No compiler ran under these flags, so none are claimed.
    header.text(T::RPMTAG_OPTFLAGS, "");
    header.text(T::RPMTAG_PLATFORM, &format!("{}-{}", name.arch.name, plan.target.os));
    header.text(T::RPMTAG_ENCODING, "utf-8");
    let prefixes = plan.rpm.prefixes.iter().map(|p| if p.len() > 1 { p.trim_end_matches('/') } else { p });
    header.texts(T::RPMTAG_PREFIXES, prefixes);
    if plan.rpm.format_version == 6 {
        header.int32(T::RPMTAG_RPMFORMAT, [6]);
        header.text(T::RPMTAG_SOURCENEVR, &format!("{}-{}", name.name, name.evr()));
    }
}

/// How the payload is packed.
fn payload_words(plan: &Plan, header: &mut Writer) {
    header.text(T::RPMTAG_PAYLOADFORMAT, "cpio");
    let (name, level) = match *plan.rpm.compression {
        // As rpmbuild: no word at all, and readers look at the bytes.
        Compression::None => (None, String::new()),
        Compression::Gzip(level) => (Some("gzip"), level.to_string()),
        Compression::Xz(level) => (Some("xz"), level.to_string()),
        Compression::Zstd(level) => (Some("zstd"), level.to_string()),
    };
    if let Some(name) = name {
        header.text(T::RPMTAG_PAYLOADCOMPRESSOR, name);
    }
    header.text(T::RPMTAG_PAYLOADFLAGS, &level);
}
