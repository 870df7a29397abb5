//! The statements of `rel/config.exs`.

use super::{BTreeSet, Form, Kind, Left, Reader, Source, Value, tokens};

/// `release :name do … end` or `environment :name do … end`.
pub(super) struct Block {
    /// `release`, `environment`
    pub word: &'static str,
    pub name: String,
    pub line: usize,
    /// `set key: value`, in order.
    pub settings: Vec<(String, Value)>,
    /// Line and text of `plugin …`.
    pub plugins: Vec<(usize, String)>,
}

/// The whole file.
#[derive(Default)]
pub(super) struct Config {
    pub blocks: Vec<Block>,
    pub default_release: Option<String>,
    default_environment: Option<String>,
    /// Statements that are neither.
    pub left: Vec<Left>,
}

/// What a file of Distillery may have besides: nothing is lost without them.
const NO_MATTER: &[&str] = &["import", "alias", "require"];

impl Config {
    /// Reads it; what is not understood is passed over and told.
    pub fn read(source: &Source) -> Self {
        let all = tokens(&source.text);
        let mut reader = Reader::new(&source.text, &all, 0);
        let mut config = Self::default();
        loop {
            reader.lines();
            let (start, line) = (reader.at, reader.line());
            let Some(kind) = reader.peek() else { break };
            match kind {
                Kind::Word(word) if word == "release" || word == "environment" => {
                    let word = if word == "release" { "release" } else { "environment" };
                    reader.at += 1;
                    config.block(source, &mut reader, word, line);
                }
                Kind::Word(word) if word == "use" => {
                    reader.at += 2;
                    reader.takes(&Kind::Sign(','));
                    reader.lines();
                    for (key, value) in reader.keywords() {
                        let place = match key.as_str() {
                            "default_release" => &mut config.default_release,
                            "default_environment" => &mut config.default_environment,
                            _ => continue,
                        };
                        *place = value.atom().map(str::to_owned);
                    }
                    reader.skip(false);
                }
                _ => config.other(source, &mut reader, start),
            }
            // Nothing of the above need have taken anything.
            reader.at += usize::from(reader.at == start);
        }
        config
    }

    /// The environment that counts.
    pub fn environment(&self) -> Option<&Block> {
        let named = |name: &str| self.blocks.iter().find(|block| block.word == "environment" && block.name == name);
        self.default_environment.as_deref().and_then(named).or_else(|| named("prod"))
    }

    fn block(&mut self, source: &Source, reader: &mut Reader<'_>, word: &'static str, line: usize) {
        let name = reader.value(false);
        if !reader.takes(&Kind::Word("do".to_owned())) {
            let what = format!("{word} {}", name.spelled());
            self.left.push(source.left(line, what, "it is not understood"));
            reader.skip(false);
            return;
        }
        let mut block = Block { word, name: String::new(), line, settings: Vec::new(), plugins: Vec::new() };
        self.statements(source, reader, &mut block);
        // `:default` is what a release without a name of its own is called.
        match name.form {
            Form::Atom(name) => self.blocks.push(Block { name, ..block }),
            _ => self.left.push(source.left(line, format!("{word} {}", name.spelled()), "its name is computed")),
        }
    }

    /// Up to the `end` of the block.
    fn statements(&mut self, source: &Source, reader: &mut Reader<'_>, block: &mut Block) {
        loop {
            reader.lines();
            let (start, line) = (reader.at, reader.line());
            match reader.peek() {
                None => return,
                Some(Kind::Word(word)) if word == "end" => {
                    reader.at += 1;
                    return;
                }
                Some(Kind::Word(word)) if word == "set" => {
                    reader.at += 1;
                    reader.takes(&Kind::Sign('('));
                    block.settings.extend(reader.keywords());
                    reader.takes(&Kind::Sign(')'));
                }
                Some(Kind::Word(word)) if word == "plugin" => {
                    reader.at += 1;
                    block.plugins.push((line, reader.value(false).spelled()));
                    reader.skip(false);
                    while reader.takes(&Kind::Sign(',')) {
                        reader.lines();
                        reader.skip(false);
                    }
                }
                _ => self.other(source, reader, start),
            }
            reader.at += usize::from(reader.at == start);
        }
    }

    /// Passes over a statement, with its block, and tells it.
    fn other(&mut self, source: &Source, reader: &mut Reader<'_>, start: usize) {
        let line = reader.line();
        let no_matter: BTreeSet<&str> = NO_MATTER.iter().copied().collect();
        let is_silent = match reader.peek() {
            Some(Kind::Word(word)) => no_matter.contains(word.as_str()),
            // `~w(rel plugins *.exs) |> Path.join() |> …`: how plugins are loaded, which are told themselves.
            Some(Kind::Attribute(_) | Kind::Words(..)) => true,
            Some(Kind::Alias(name)) => name == "Path" || name == "Code",
            _ => false,
        };
        reader.statement();
        if !is_silent {
            self.left.push(source.left(
                line,
                reader.shown(start),
                "it is computed: fitout reads literals and runs no code",
            ));
        }
    }
}
