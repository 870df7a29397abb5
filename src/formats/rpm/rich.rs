//! Rich relations: `(a or b)`, `(a if (b and c) else d)`.
//!
//! Enters: their text. Leaves: the same with single blanks, or why rpm does not take it. Not here: the names and versions
//! within.
//!
//! Source: rpm's manual, "Boolean Dependencies". Which operator may stand where was learnt from `rpmspec`, which the
//! tests ask again.

use super::relations::parse_simple;

/// Deepest nesting that is taken.
const DEEPEST: usize = 16;

/// What surrounds an expression decides which condition it may have: `if` adds a need, `unless` takes one away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Context {
    /// All parts count, as in Requires: `if` may follow.
    And,
    /// Any part counts, as in Conflicts: `unless` may follow.
    Or,
    /// The condition of an `if` or `unless` itself.
    Condition,
    /// Within `with` or `without`: about one package, so neither conditions nor `and`.
    With,
}

enum Node {
    Simple(String),
    Rich { operators: Vec<&'static str>, operands: Vec<Node> },
}

/// Checks a rich relation and spells it with single blanks.
///
/// # Errors
/// Why it is none.
pub fn parse(text: &str, context: Context) -> Result<String, String> {
    let mut tokens = tokens(text)?.into_iter().peekable();
    tokens.next();
    let node = rich(&mut tokens, 0)?;
    if let Some(token) = tokens.next() {
        return Err(format!("`{token}` stands behind its end"));
    }
    check(&node, context)?;
    let mut out = String::with_capacity(text.len());
    spell(&node, &mut out);
    Ok(out)
}

/// Words, and parentheses that stand alone: those of `perl(Foo)` belong to the word.
fn tokens(text: &str) -> Result<Vec<&str>, String> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_start_matches('(');
        tokens.extend(std::iter::repeat_n("(", word.len() - bare.len()));
        let (mut open, mut end) = (0u32, bare.len());
        for (at, c) in bare.char_indices() {
            match c {
                '(' => open += 1,
                ')' if open > 0 => open -= 1,
                ')' => {
                    end = at;
                    break;
                }
                _ => {}
            }
        }
        if !bare[..end].is_empty() {
            tokens.push(&bare[..end]);
        }
        if !bare[end..].bytes().all(|b| b == b')') {
            return Err(format!("`{}` follows a parenthesis", bare[end..].trim_start_matches(')')));
        }
        tokens.extend(std::iter::repeat_n(")", bare.len() - end));
    }
    Ok(tokens)
}

type Tokens<'a> = std::iter::Peekable<std::vec::IntoIter<&'a str>>;

/// What follows an open parenthesis.
fn rich(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, String> {
    const OPERATORS: [&str; 7] = ["and", "or", "if", "unless", "with", "without", "else"];
    if depth > DEEPEST {
        return Err(format!("it nests deeper than {DEEPEST}"));
    }
    let mut operands = vec![operand(tokens, depth)?];
    let mut operators: Vec<&'static str> = Vec::new();
    loop {
        let word = tokens.next().ok_or("it does not close a parenthesis")?;
        if word == ")" {
            return Ok(Node::Rich { operators, operands });
        }
        let operator = OPERATORS.into_iter().find(|o| *o == word);
        let operator = operator.ok_or_else(|| format!("`{word}` is none of {}", OPERATORS.join(", ")))?;
        match (operators.last().copied(), operator) {
            (None, "else") => return Err("`else` follows no `if` or `unless`".into()),
            (None, _) | (Some("if" | "unless"), "else") => {}
            (Some(one), _) if one == operator && ["and", "or", "with"].contains(&one) => {}
            (Some(one), _) => return Err(format!("`{operator}` cannot follow `{one}` without parentheses")),
        }
        operators.push(operator);
        operands.push(operand(tokens, depth)?);
    }
}

fn operand(tokens: &mut Tokens<'_>, depth: usize) -> Result<Node, String> {
    if tokens.next_if_eq(&"(").is_some() {
        return rich(tokens, depth + 1);
    }
    let name = tokens.next().filter(|t| *t != ")").ok_or("it lacks an operand")?;
    let mut words = vec![name];
    if tokens.peek().is_some_and(|t| t.starts_with(['<', '>', '='])) {
        words.extend(tokens.next());
        words.extend(tokens.next());
    }
    Ok(Node::Simple(parse_simple(&words)?.spelled()))
}

fn check(node: &Node, context: Context) -> Result<(), String> {
    let Node::Rich { operators, operands } = node else { return Ok(()) };
    let operator = operators.first().copied().unwrap_or_default();
    let (main, condition) = match (operator, context) {
        // A single operand in parentheses is what it would be without.
        ("", _) => (context, context),
        ("and" | "if" | "unless", Context::With) => {
            return Err(format!("`{operator}` cannot stand within `with` or `without`"));
        }
        ("if", Context::Or) => return Err("`if` cannot stand here, use `and`".into()),
        ("unless", Context::And) => return Err("`unless` cannot stand here, use `or`".into()),
        ("and", _) => (Context::And, Context::And),
        ("or", Context::With) => (Context::With, Context::With),
        ("or", _) => (Context::Or, Context::Or),
        ("if", _) => (Context::And, Context::Condition),
        ("unless", _) => (Context::Or, Context::Condition),
        _ => (Context::With, Context::With),
    };
    for (index, operand) in operands.iter().enumerate() {
        check(operand, if index == 1 { condition } else { main })?;
    }
    Ok(())
}

fn spell(node: &Node, out: &mut String) {
    match node {
        Node::Simple(text) => out.push_str(text),
        Node::Rich { operators, operands } => {
            out.push('(');
            for (index, operand) in operands.iter().enumerate() {
                if let Some(operator) = index.checked_sub(1).and_then(|i| operators.get(i)) {
                    out.push(' ');
                    out.push_str(operator);
                    out.push(' ');
                }
                spell(operand, out);
            }
            out.push(')');
        }
    }
}
