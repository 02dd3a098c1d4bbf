#!/usr/bin/env bash
# A package for Debian that cargo-deb makes of `debian/sysusers` can't be installed: its postinst asks for a file that it does not hold.
#
# Expected: cargo-deb installs `debian/sysusers` as usr/lib/sysusers.d/PACKAGE.conf, and its postinst calls `systemd-sysusers PACKAGE.conf`, as
#   debhelper's dh_installsysusers does; a file of another name that the manifest's assets rename is named as it is installed.
# Seen with cargo-deb 3.8.0: the postinst names the file in the source folder with the extension replaced:
#   debian/sysusers                         -> installed as demo.conf, called as sysusers.conf
#   assets: users.txt -> sysusers.d/demo.conf -> installed as demo.conf, called as users.conf
# systemd-sysusers ends with 1 for a file that is not there, the postinst runs under `set -e`, so dpkg leaves the package half
# configured, and every later `apt-get` ends with its error. `cargo deb` and its own tests say nothing: they compare the name with the source's.
# (The same fault in its tmpfiles.d part was repaired: kornelski/cargo-deb#143.)
# Consequence: the file has its final name in the source folder; .ci/packages compares the call with the package's content.
# Needs Rust, dpkg-deb and systemd-sysusers; without cargo-deb 3.8.0 on the path it builds one, which takes minutes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if ! cargo-deb --version 2>/dev/null | grep -qF 3.8.0; then
  cargo install --quiet cargo-deb --version 3.8.0 --locked --root "$work/tools"
  export PATH="$work/tools/bin:$PATH"
fi

# Makes the package of a crate with these assets; prints the installed file and the one that postinst asks for.
package() {
  local crate=$work/$1 assets=$2
  mkdir -p "$crate/src" "$crate/debian"
  echo 'fn main() {}' >"$crate/src/main.rs"
  printf '[Service]\nExecStart=/usr/bin/demo\n' >"$crate/debian/service"
  echo 'u demo - "A user"' >"$crate/$3"
  cat >"$crate/Cargo.toml" <<TOML
[package]
name = "demo"
version = "1.0.0"
edition = "2021"
description = "A demo"
license = "MIT"
[package.metadata.deb]
maintainer = "A maintainer"
maintainer-scripts = "debian"
systemd-units = { enable = false, start = false }
assets = [["target/release/demo", "usr/bin/", "755"]$assets]
TOML
  (cd "$crate" && cargo deb --quiet --no-strip --output "$crate/demo.deb")
  installed=$(dpkg-deb --contents "$crate/demo.deb" | grep -o 'sysusers.d/[^/]*\.conf' | cut -d/ -f2)
  called=$(dpkg-deb --info "$crate/demo.deb" postinst | sed -n 's/.*systemd-sysusers .* \([^ ]*\.conf\)$/\1/p')
  echo "$3: installed as $installed, called as $called"
}

package conventional '' debian/sysusers
[ "$installed" = demo.conf ] && [ "$called" = sysusers.conf ]
dpkg-deb --extract "$work/conventional/demo.deb" "$work/root"
mkdir -p "$work/root/etc"
dpkg-deb --info "$work/conventional/demo.deb" postinst | grep -q '^set -e'
if systemd-sysusers --root="$work/root" "$called"; then exit 1; fi
systemd-sysusers --root="$work/root" "$installed"
grep -q '^demo:' "$work/root/etc/passwd"

package renamed ', ["users.txt", "usr/lib/sysusers.d/demo.conf", "644"]' users.txt
[ "$installed" = demo.conf ] && [ "$called" = users.conf ]
echo "confirmed: the call names a file that the package does not hold"
