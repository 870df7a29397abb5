use super::*;

fn read(text: &str) -> Result<Vec<Term>, Diagnostic> {
    parse(&Arc::new(SourceText { name: "t.rel".into(), text: text.into() }))
}

#[test]
fn terms_are_read() {
    let terms = read("%% coding: utf-8\n{release,{\"a\" \"b\",\"1\\x{e9}\\n\"},'Elixir.A', [x|y], -1.5e-3, #{k=>$\\n}}.\n<<\"hé\"/utf8>>.\n[].\n").unwrap();
    let atom = |s: &str| Term::Atom(s.into());
    assert_eq!(terms.len(), 3);
    assert_eq!(
        terms[0],
        Term::Tuple(vec![
            atom("release"),
            Term::Tuple(vec![Term::Text("ab".into()), Term::Text("1é\n".into())]),
            atom("Elixir.A"),
            Term::List(vec![atom("x")], Some(Box::new(atom("y")))),
            Term::Number("-1.5e-3".into()),
            Term::Map(vec![(atom("k"), Term::Number("$\\n".into()))]),
        ])
    );
    assert_eq!(terms[1], Term::Binary("hé".as_bytes().to_vec()));
}

#[test]
fn mistakes_have_a_place() {
    for (text, line, column) in
        [("{a,\n b", 2, 3), ("{a b}.", 1, 4), ("{a}", 1, 4), ("Foo.", 1, 1), ("\"abc", 1, 5), ("<<300>>.", 1, 3)]
    {
        let finding = read(text).unwrap_err();
        assert_eq!(finding.labels[0].span.line_column(), (line, column), "{text}: {}", finding.message);
    }
    let finding = read(&"[".repeat(100_000)).unwrap_err();
    assert!(finding.message.contains("deep"), "{}", finding.message);
}

#[test]
fn the_machines_own_app_files_are_read() {
    let mut read_files = 0;
    for lib in fs_err::read_dir("/usr/lib/erlang/lib").unwrap() {
        let Ok(ebin) = fs_err::read_dir(lib.unwrap().path().join("ebin")) else { continue };
        for file in ebin.map(|f| f.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "app")) {
            let terms = read(&fs_err::read_to_string(&file).unwrap()).unwrap();
            assert_eq!(terms.len(), 1);
            let [kind, name, facts] = terms[0].tuple().unwrap() else { panic!("{}", file.display()) };
            assert_eq!(kind.atom(), Some("application"));
            assert_eq!(name.atom(), file.file_stem().unwrap().to_str());
            assert!(facts.property("vsn").unwrap().text().is_some());
            read_files += 1;
        }
    }
    assert!(read_files > 5);
}

/// Files of all applications of Debian's Erlang are terms.
#[test]
fn files_of_real_applications_are_read() {
    let folders = fs_err::read_dir("/usr/lib/erlang/lib").into_iter().flatten().flatten();
    let files = folders.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.rsplit_once('-')?.0.to_owned();
        let text = fs_err::read_to_string(entry.path().join(format!("ebin/{name}.app"))).ok()?;
        Some(Arc::new(SourceText { name, text }))
    });
    let mut count = 0;
    for file in files {
        assert!(parse(&file).is_ok(), "{}: {:?}", file.name, parse(&file));
        count += 1;
    }
    assert!(count > 5, "{count} files of Erlang");
}
