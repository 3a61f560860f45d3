// A digest of what the index holds about occurrences, whatever parts they lie in.
#pragma once

#include <span>

#include "base/hash.h"
#include "base/result.h"
#include "model/state.h"
#include "storage/dictionary.h"
#include "storage/part.h"

namespace cairn::engine {

// Order-independent: the sum, over every occurrence, of a hash of its LSN with each of its columns
// and with each (field, value) it is posted under. Two indexes of the same log agree whatever
// their segments; a posting that is missing or one too many changes it. `txn` as in Dictionary.
Result<Hash128> content_digest(const model::State& state, const storage::Dictionary& dictionary,
                               const storage::ReadTxn* txn,
                               std::span<const storage::Part* const> parts);

}  // namespace cairn::engine
