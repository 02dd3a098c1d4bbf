//! Writes `schema/v1` from the types.

use std::path::Path;

use auction_proto::schema;

/// Writes both documents.
///
/// # Errors
/// When a file cannot be written.
pub fn write() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/v1");
    let documents = [
        ("schema.json", schema::json_schema()),
        ("asyncapi.json", schema::asyncapi()),
    ];
    for (name, document) in documents {
        std::fs::write(folder.join(name), format!("{document:#}\n"))?;
        println!("wrote {}", folder.join(name).display());
    }
    Ok(())
}
