// Verbs of the command line at an embedded store.
#pragma once

#include "embed/core.h"
//
#include <string>
#include <vector>

namespace cairn::embed {

// Thread: any; who holds a snapshot must not call it, as the verb may write. Errors: Exhausted (the
// answer is too long), Closed (cancelled).
Result<v1::Answer> run_verb(engine::Store& store, std::vector<std::string> words,
                            const v1::RunOptions& options);

}  // namespace cairn::embed
