//! As much of Markdown as the tests need: fenced blocks, and links.

use std::path::Path;

/// Blocks fenced as `language`: the line number of the first line of each, and its lines.
pub fn blocks<'a>(
    text: &'a str,
    language: &str,
) -> impl Iterator<Item = (usize, Vec<&'a str>)> + use<'a> {
    let fence = format!("```{language}");
    let mut lines = text.lines().enumerate();
    std::iter::from_fn(move || {
        let (opening, _) = lines.find(|(_, line)| *line == fence)?;
        let block = lines.by_ref().map(|(_, line)| line);
        Some((
            opening + 2,
            block.take_while(|line| *line != "```").collect(),
        ))
    })
}

/// Paths that a page links to or shows, without fragments. Left out are web addresses, items that rustdoc resolves, and
/// fenced blocks.
pub fn links(text: &str) -> Vec<String> {
    let mut links = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        fenced ^= line.starts_with("```");
        if fenced {
            continue;
        }
        for (opening, end) in [("](", ')'), ("src=\"", '"'), ("srcset=\"", '"')] {
            for rest in line.split(opening).skip(1) {
                let link = rest.split([end, '#']).next().unwrap_or_default();
                if !link.is_empty() && !link.contains("::") && !link.contains("://") {
                    links.push(link.to_owned());
                }
            }
        }
    }
    links
}

/// All Markdown files of the repository that are written by hand, as paths from its root.
pub fn documents(repository: &Path) -> Vec<String> {
    let mut found = Vec::new();
    collect(repository, "", &mut found);
    found.sort();
    found
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        if entry.file_type().unwrap().is_dir() {
            if !matches!(name.as_str(), "target" | ".git" | "node_modules") {
                collect(&entry.path(), &format!("{path}/"), found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}
