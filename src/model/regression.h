// Whether a resolution holds in face of a new occurrence. Pure.
//
// Source: the field's rules (Sentry's group resolutions), docs/semantics.md, "Resolved, and back".
#pragma once

#include <optional>
#include <string_view>

#include "model/releases.h"
#include "model/workflow.h"

namespace cairn::model {

// True: the occurrence, of `release` (nullopt or empty: none), is of before the fix and reopens
// nothing. `now`: when it is recorded, the date of a release nobody registered.
//
// Now: never covered. Anything else covers occurrences without a release. InRelease: older ones
// than the release of the fix, which is not covered itself. InNextRelease: the release that was the
// newest, and older ones; none with a release, when there was no newest. InCommit: everything,
// until a release with the commit is registered; then as InRelease of that one. Older means: by
// version where the project's releases follow semantic versions and both do, else by date, where
// one of the same date counts as older.
bool covers(const Resolution& resolution, std::optional<std::string_view> release,
            const Releases& releases, TimeUs now);

// The version of the newest release: by version where the project names its releases so, else by
// date. "" when there are none.
std::string_view newest_release(const Releases& releases);

}  // namespace cairn::model
