//! As much of Markdown as the rules need: headings, fenced code, links and table rows, each with its line.

/// What a document holds, in its order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Document<'a> {
    /// `#` headings.
    pub headings: Vec<Heading<'a>>,
    /// Fenced code.
    pub blocks: Vec<Block<'a>>,
    /// Targets of links and images, inline or by reference.
    pub links: Vec<Link<'a>>,
    /// Rows of tables, the header and the rule beneath it among them.
    pub rows: Vec<Row<'a>>,
}

/// A heading.
#[derive(Debug, PartialEq, Eq)]
pub struct Heading<'a> {
    /// How many `#`.
    pub level: usize,
    /// The text behind them.
    pub text: &'a str,
    /// The line, from 1.
    pub line: usize,
}

/// Fenced code.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The word behind the opening fence.
    pub language: &'a str,
    /// The lines between the fences.
    pub lines: Vec<&'a str>,
    /// The line of the opening fence, from 1.
    pub line: usize,
}

/// A link's target.
#[derive(Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// As written.
    pub target: &'a str,
    /// The line, from 1.
    pub line: usize,
}

/// A row of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The heading above it.
    pub section: &'a str,
    /// The text of the first cell.
    pub first: &'a str,
    /// The line, from 1.
    pub line: usize,
}

/// Reads a document.
#[must_use]
pub fn parse(text: &str) -> Document<'_> {
    let mut document = Document::default();
    let mut lines = (1..).zip(text.lines());
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let inside = lines.by_ref().map(|(_, line)| line);
            document.blocks.push(Block {
                language: language.trim(),
                lines: inside
                    .take_while(|line| !line.trim_start().starts_with("```"))
                    .collect(),
                line: number,
            });
        } else if let Some(heading) = heading(line, number) {
            links(line, number, &mut document.links);
            document.headings.push(heading);
        } else {
            if let Some(row) = line.strip_prefix('|') {
                document.rows.push(Row {
                    section: document.headings.last().map_or("", |heading| heading.text),
                    first: row.split('|').next().unwrap_or_default().trim(),
                    line: number,
                });
            }
            links(line, number, &mut document.links);
        }
    }
    document
}

fn heading(line: &str, number: usize) -> Option<Heading<'_>> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    (1..=6).contains(&level).then_some(())?;
    Some(Heading {
        level,
        text: text.strip_prefix(' ')?.trim(),
        line: number,
    })
}

fn links<'a>(line: &'a str, number: usize, found: &mut Vec<Link<'a>>) {
    let mut push = |target: &'a str| {
        found.push(Link {
            target: target.split_whitespace().next().unwrap_or_default(),
            line: number,
        });
    };
    if let Some((label, target)) = line.split_once("]: ")
        && label.starts_with('[')
        && !label.contains(']')
    {
        push(target);
        return;
    }
    // Every other part of a line split at back-ticks is code.
    for text in line.split('`').step_by(2) {
        for behind in text.split("](").skip(1) {
            push(behind.split(')').next().unwrap_or_default());
        }
    }
}

/// The names between back-ticks.
pub fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The anchor that a heading gets where the document is shown: lower case, punctuation gone, spaces to hyphens.
#[must_use]
pub fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .flat_map(char::to_lowercase)
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_taken_apart() {
        let text = "# One `x`\n\nSee [a](b.md \"t\") and [`c`](d.md#e), not `[f](g)`.\n\n[r]: h.md\n\n\
                    ```sh\n# no heading\n[no](link)\n```\n\n## Two\n| `n` | why |\n";
        let document = parse(text);
        let targets: Vec<_> = document
            .links
            .iter()
            .map(|link| (link.target, link.line))
            .collect();
        assert_eq!(targets, [("b.md", 3), ("d.md#e", 3), ("h.md", 5)]);
        let headings: Vec<_> = document
            .headings
            .iter()
            .map(|h| (h.level, h.text, h.line))
            .collect();
        assert_eq!(headings, [(1, "One `x`", 1), (2, "Two", 12)]);
        assert_eq!(document.blocks.len(), 1);
        assert_eq!(document.blocks[0].language, "sh");
        assert_eq!(document.blocks[0].lines, ["# no heading", "[no](link)"]);
        assert_eq!(document.rows.len(), 1);
        assert_eq!((document.rows[0].section, document.rows[0].first), ("Two", "`n`"));
    }

    #[test]
    fn anchors_are_those_of_the_forge() {
        assert_eq!(anchor("How a callback travels"), "how-a-callback-travels");
        assert_eq!(anchor("`serve`, and `dev`"), "serve-and-dev");
        assert_eq!(anchor("状态 (States)"), "状态-states");
    }
}
