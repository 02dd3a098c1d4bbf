//! Writes `schema/v1` from the types: `cargo run -p auction-proto --example schema`, after each change of a message.

use std::path::Path;

use auction_proto::schema;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/v1");
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
