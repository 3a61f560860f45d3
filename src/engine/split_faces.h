// What the two sides of a split show: of the newest occurrences they decided that are kept.
// Thread: that of who may read the log and the parts.
#pragma once

#include <optional>
#include <span>

#include "base/result.h"
#include "engine/record_log.h"
#include "model/record.h"
#include "model/state.h"
#include "storage/part.h"

namespace cairn::engine {

// Level and culprit of the newest occurrence, title of the newest that has one that says something,
// among the newest hundred; nullopt = none is kept. `parts` in order of the log. Takes time by the
// occurrences of these fingerprints in one part.
Result<std::optional<model::Face>> newest_face(std::span<const storage::Part* const> parts,
                                               RecordLog& log, const storage::ReadTxn* txn,
                                               std::span<const FingerprintId> of);

// Both faces of a decided split, where something is kept.
Result<void> add_faces(const model::State& state, std::span<const storage::Part* const> parts,
                       RecordLog& log, const storage::ReadTxn* txn, model::Split& split);

}  // namespace cairn::engine
