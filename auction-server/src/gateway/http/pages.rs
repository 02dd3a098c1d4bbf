//! The web page: the folder `web`, embedded in the program.
//!
//! The entry page refers to all other files by a relative path with a hash of all of them. So a browser can cache those files
//! for any time, revalidates only the entry page, and never mixes two versions.
//!
//! The documents of the protocol are served too, for authors of other clients.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use sha2::{Digest as _, Sha256};

use crate::gateway::http::{Request, Response, content, field, text};

/// Path of the entry page.
const ENTRY: &str = "/";
/// Path of all other files, as written in the files themselves; the served path has the hash after it.
const FOLDER: &str = "/web/";
/// Placeholder in the entry page for the names of all modules, so that the browser fetches them in parallel.
const MODULES: &str = "<!--modules-->";
/// Cache time of the other files: unlimited.
const LASTING: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

/// A file of the folder: its path, media type and bytes.
macro_rules! file {
    ($media:expr, $path:literal) => {
        ($path, $media, include_str!(concat!("../../../web/", $path)))
    };
}

/// All files of the folder.
const FILES: &[(&str, &str, &str)] = &[
    file!(HTML, "index.html"),
    file!(SVG, "icon.svg"),
    file!(CSS, "style/base.css"),
    file!(CSS, "style/market.css"),
    file!(CSS, "style/day.css"),
    file!(CSS, "style/pages.css"),
    file!(SCRIPT, "market/money.js"),
    file!(SCRIPT, "market/sha256.js"),
    file!(SCRIPT, "market/digest.js"),
    file!(SCRIPT, "market/day.js"),
    file!(SCRIPT, "market/lot.js"),
    file!(SCRIPT, "market/market.js"),
    file!(SCRIPT, "market/bids.js"),
    file!(SCRIPT, "market/activity.js"),
    file!(SCRIPT, "market/own.js"),
    file!(SCRIPT, "market/words.js"),
    file!(SCRIPT, "market/daywords.js"),
    file!(SCRIPT, "link/clock.js"),
    file!(SCRIPT, "link/wire.js"),
    file!(SCRIPT, "link/session.js"),
    file!(SCRIPT, "view/theme.js"),
    file!(SCRIPT, "view/dom.js"),
    file!(SCRIPT, "view/frame.js"),
    file!(SCRIPT, "view/announce.js"),
    file!(SCRIPT, "view/rates.js"),
    file!(SCRIPT, "view/app.js"),
    file!(SCRIPT, "view/chart.js"),
    file!(SCRIPT, "view/row.js"),
    file!(SCRIPT, "view/mine.js"),
    file!(SCRIPT, "view/list.js"),
    file!(SCRIPT, "view/box.js"),
    file!(SCRIPT, "view/openbids.js"),
    file!(SCRIPT, "view/orders.js"),
    file!(SCRIPT, "view/bidding.js"),
    file!(SCRIPT, "view/bidtables.js"),
    file!(SCRIPT, "view/running.js"),
    file!(SCRIPT, "view/lotview.js"),
    file!(SCRIPT, "view/daychart.js"),
    file!(SCRIPT, "view/daydepth.js"),
    file!(SCRIPT, "view/dayentry.js"),
    file!(SCRIPT, "view/dayrunning.js"),
    file!(SCRIPT, "view/dayview.js"),
    file!(SCRIPT, "view/notices.js"),
    file!(SCRIPT, "view/status.js"),
    file!(SCRIPT, "view/results.js"),
    file!(SCRIPT, "view/account.js"),
    file!(SCRIPT, "view/operate.js"),
    file!(SCRIPT, "main.js"),
];

/// Documents of the protocol: path, media type and text.
const DOCUMENTS: &[(&str, &str, &str)] = &[
    // As plain text, which every browser shows.
    (
        "/SPEC.md",
        "text/plain; charset=utf-8",
        auction_proto::SPEC_MD,
    ),
    (
        "/schema.json",
        "application/schema+json",
        auction_proto::SCHEMA_JSON,
    ),
    (
        "/asyncapi.json",
        "application/vnd.aai.asyncapi+json;version=3.0.0",
        auction_proto::ASYNCAPI_JSON,
    ),
];

/// A page in the form in which it is served.
struct Page {
    media: &'static str,
    plain: Bytes,
    packed: Bytes,
    tag: HeaderValue,
    is_lasting: bool,
}

static PAGES: LazyLock<BTreeMap<String, Page>> = LazyLock::new(pages);

/// Answers a request for the page at `path`.
pub(super) fn answer(request: &Request, path: &str) -> Response {
    let Some(page) = PAGES.get(path) else {
        return text(StatusCode::NOT_FOUND, "there is no such page\n");
    };
    let is_known = field(request, IF_NONE_MATCH).as_bytes() == page.tag.as_bytes();
    let takes_packed = field(request, ACCEPT_ENCODING)
        .split(',')
        .any(|coding| coding.trim() == "gzip");
    let mut response = match (is_known, takes_packed) {
        (true, _) => content(StatusCode::NOT_MODIFIED, page.media, Bytes::new()),
        (false, true) => content(StatusCode::OK, page.media, page.packed.clone()),
        (false, false) => content(StatusCode::OK, page.media, page.plain.clone()),
    };
    let fields = response.headers_mut();
    if takes_packed && !is_known {
        fields.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    fields.insert(VARY, HeaderValue::from_static("accept-encoding"));
    fields.insert(ETAG, page.tag.clone());
    if page.is_lasting {
        fields.insert(CACHE_CONTROL, LASTING);
    }
    response
}

fn pages() -> BTreeMap<String, Page> {
    let version = version_of(FILES);
    let folder = format!("{FOLDER}{version}/");
    let tag = tag_of(&version);
    let page = |(path, media, text): &(&str, &'static str, &'static str)| {
        let is_entry = *path == "index.html";
        let (at, plain) = if is_entry {
            (ENTRY.to_owned(), Bytes::from(entry(text, &folder)))
        } else {
            (
                format!("{folder}{path}"),
                Bytes::from_static(text.as_bytes()),
            )
        };
        let page = Page {
            media,
            packed: packed(&plain),
            plain,
            tag: tag.clone(),
            is_lasting: !is_entry,
        };
        (at, page)
    };
    let document = |document: &(&str, &'static str, &'static str)| {
        let (at, media, text) = *document;
        let plain = Bytes::from_static(text.as_bytes());
        let page = Page {
            media,
            packed: packed(&plain),
            plain,
            tag: tag_of(&version_of(&[*document])),
            is_lasting: false,
        };
        (at.to_owned(), page)
    };
    let files = FILES.iter().map(page);
    files.chain(DOCUMENTS.iter().map(document)).collect()
}

fn tag_of(version: &str) -> HeaderValue {
    HeaderValue::try_from(format!("\"{version}\"")).expect("hexadecimal digits")
}

/// Returns the first digits of a hash of these files.
fn version_of(files: &[(&str, &str, &str)]) -> String {
    let mut hash = Sha256::new();
    for (path, _, text) in files {
        hash.update(path);
        hash.update(text);
    }
    let digits = hash.finalize();
    digits[..8]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn entry(text: &str, folder: &str) -> String {
    let is_module = |path: &&str| path.ends_with(".js") && !path.ends_with("theme.js");
    let modules = FILES.iter().map(|(path, ..)| *path).filter(is_module);
    let links: Vec<_> = modules
        .map(|path| format!("<link rel=\"modulepreload\" href=\"{FOLDER}{path}\">"))
        .collect();
    // Relative to the entry page, which a proxy may serve under another path.
    text.replace(MODULES, &links.join("\n"))
        .replace(FOLDER, folder.trim_start_matches('/'))
}

fn packed(plain: &[u8]) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(plain).expect("memory takes all");
    Bytes::from(packer.finish().expect("memory takes all"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Maximum size of the whole page as transferred, in bytes.
    const SENT_BYTES_MAX: usize = 150_000;

    fn files_of(folder: &Path, below: &str, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let name = format!("{below}{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                files_of(&entry.path(), &format!("{name}/"), found);
            } else {
                found.insert(name);
            }
        }
    }

    #[test]
    fn every_file_of_the_folder_is_carried_and_no_other() {
        let mut there = BTreeSet::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("web");
        files_of(&folder, "", &mut there);
        let carried: BTreeSet<_> = FILES.iter().map(|(path, ..)| (*path).to_owned()).collect();
        assert_eq!(carried, there);
    }

    #[test]
    fn the_whole_page_is_small_and_names_nothing_that_is_elsewhere() {
        let is_page = |at: &str| at == ENTRY || at.starts_with(FOLDER);
        let pages = PAGES.iter().filter(|(at, _)| is_page(at));
        let sent: usize = pages.map(|(_, page)| page.packed.len()).sum();
        assert!(sent < SENT_BYTES_MAX, "{sent}");
        for (path, _, text) in FILES {
            let places = [
                "src=\"http",
                "src=\"//",
                "href=\"http",
                "href=\"//",
                "url(",
                "@import",
                "from \"http",
                "import(\"http",
            ];
            for place in places {
                assert!(!text.contains(place), "{path} holds {place}");
            }
        }
    }

    #[test]
    fn the_entry_names_only_what_is_served() {
        let entry = str::from_utf8(&PAGES[ENTRY].plain).unwrap();
        let named: Vec<_> = entry
            .split(['"'])
            .filter(|text| text.starts_with(FOLDER.trim_start_matches('/')))
            .collect();
        assert!(named.len() > 20, "{entry}");
        for path in named {
            assert!(PAGES.contains_key(&format!("/{path}")), "{path}");
        }
        // Nothing names the root of the host, where a proxy may serve something else.
        for path in ["src=\"/", "href=\"/"] {
            assert!(!entry.contains(path), "{path}");
        }
        assert!(!entry.contains(MODULES));
    }
}
