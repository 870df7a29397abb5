//! The layout of relx.

use crate::diagnostic::Result;
use crate::resolve::preset::term::Term;

use super::boot::Extra;
use super::layout::Layout;

/// relx calls scripts that start nothing so, whatever the release.
const ITS_VERSION: &str = "1.0";

/// Completes a release: boot scripts, the list of releases, configuration.
pub(super) fn complete(layout: &mut Layout<'_>, config: Option<&[u8]>) -> Result<()> {
    let wanted = layout.wanted;
    let paths = layout.paths();
    let extra = |name, version, dot_erlang| Extra { name, version, first: None, providers: false, dot_erlang };
    let start = layout.live("start");
    layout.boot_all(&start, &paths, extra(&wanted.name, &wanted.version, true), |chosen| chosen.start)?;
    let clean = layout.live("start_clean");
    layout.boot_all(&clean, &paths, extra("start_clean", ITS_VERSION, true), Layout::clean)?;
    let bare = layout.live("no_dot_erlang");
    layout.boot_bare(&bare, &paths, extra("no_dot_erlang", ITS_VERSION, false))?;
    for path in [&clean, &bare] {
        layout.tree.files.remove(&format!("{path}.script"));
    }
    let runs = &wanted.places.erts;
    // relx starts `erl` by a program that finds itself.
    let (dynamic, erl) = (format!("erts-{runs}/bin/dyn_erl"), format!("erts-{runs}/bin/erl"));
    if let Some(node) = layout.tree.files.get(&dynamic).cloned() {
        layout.tree.files.insert(erl, node);
    }
    layout.tree.files.remove(&format!("erts-{runs}/bin/yielding_c_fun"));
    let file = layout.tree.files.get(&format!("{bare}.boot")).cloned();
    layout.tree.files.extend(file.map(|node| ("bin/no_dot_erlang.boot".to_owned(), node)));
    if wanted.erts {
        layout.tree.text("releases/RELEASES", releases(layout).into_bytes());
    }
    if let (Some(config), Some(file)) = (config, &wanted.config) {
        layout.tree.text(layout.live(file.name()), config);
    }
    if let Some(arguments) = &wanted.vm_args {
        let filled = arguments.extension().is_some_and(|extension| extension == "src");
        layout.tree.file(arguments, &layout.live(if filled { "vm.args.src" } else { "vm.args" }))?;
    }
    Ok(())
}

/// The file `RELEASES`, which a release handler reads.
fn releases(layout: &Layout<'_>) -> String {
    let text = |text: &str| Term::Text(text.to_owned());
    let one = |chosen: &super::closure::Chosen| {
        let application = &chosen.application;
        let folder = format!("./lib/{}", application.folder());
        Term::Tuple(vec![Term::Atom(application.name.clone()), text(&application.version), text(&folder)])
    };
    let applications = Term::List(layout.chosen.iter().map(one).collect(), None);
    let wanted = layout.wanted;
    let all = vec![
        Term::Atom("release".to_owned()),
        text(&wanted.name),
        text(&wanted.version),
        text(&wanted.places.erts),
        applications,
        Term::Atom("permanent".to_owned()),
    ];
    format!("%% coding: utf-8\n[{:#}].\n", Term::Tuple(all))
}
