// Holds the fold against the naive one, field by field.
#pragma once

#include <string>

#include "model/state.h"
#include "support/naive_fold.h"

namespace cairn::testing {

// The first difference, as "WHAT of WHICH: theirs, ours"; "" = they agree. `now` is no earlier than
// the last record.
std::string difference(model::State& state, const NaiveFold& naive, TimeUs now);

// A record on a line.
std::string record_text(const model::Record& record);

}  // namespace cairn::testing
