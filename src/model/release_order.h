// The order of releases: which of two names of releases is the newer version, and whether a
// project's names are versions at all. As Sentry has it, where people's releases are named for it:
// the grammar is that of getsentry/sentry-release-parser (src/parser.rs, 1.4), the order and the
// scheme rule those of getsentry/sentry (models/release.py: SEMVER_COLS and
// follows_semver_versioning_scheme).
//
//   release  [package@]version
//   version  major[.minor[.patch[.revision]]][prerelease][+build]
//
// A prerelease is "-" and identifiers with dots between them, or, after at least two numbers,
// begins with a small letter right behind the last one (1.0rc1). Identifiers are of 0-9 A-Z a-z and
// "-"; those of digits alone have no zero in front. Numbers may have (1.02 is 1.2).
//
// Where it differs, on purpose:
// - A package is not required, but a name without one needs two numbers: "1234" and "2026-11-21"
// are
//   rather a build and a date than versions.
// - A number beyond 2^63 - 1 makes a name no version (there, some read as 0).
// - "1.0-", with nothing after the dash, is no version.
//
// Pure functions of their arguments. Thread: any. Views in results borrow the text they were read
// of.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace cairn::model {

inline constexpr uint64_t kMaxVersionNumber = INT64_MAX;

struct ReleaseVersion {
  std::string_view package;  // "" = none; no part of the order
  // What is not written is 0.
  uint64_t major = 0;
  uint64_t minor = 0;
  uint64_t patch = 0;
  uint64_t revision = 0;
  std::string_view prerelease;  // without the dash; "" = none
  std::string_view build;       // without the plus; "" = none; no part of the order
};

// The version alone, without a package: what people compare with. nullopt: not of the form, or a
// hash (of digits alone, and as long as hashes are: 12, 16, 20, 32, 40 or 64).
std::optional<ReleaseVersion> parse_version(std::string_view text);

// The name of a release; blanks around it do not count. nullopt: no version.
std::optional<ReleaseVersion> parse_release(std::string_view name);

// By the four numbers, then one without prerelease after those with, then by the bytes of the
// prerelease: rc.10 comes before rc.2. Versions that differ in package or build alone are
// equivalent.
std::weak_ordering compare(const ReleaseVersion& a, const ReleaseVersion& b);

// How many of a project's newest releases tell its scheme.
inline constexpr size_t kSchemeReleases = 10;

// Whether a project names its releases by version: of two or fewer the newest has to be one, of
// fewer than ten one of the last three, of more one of the last three and three of the last ten.
// Looks at the first kSchemeReleases only. Without releases: no.
bool names_versions(std::span<const std::string_view> newest_first);

// Whether to compare `release` with others of the project by version: the project's are, and it is
// one itself.
bool follows_semver(std::span<const std::string_view> newest_first, std::string_view release);

}  // namespace cairn::model
