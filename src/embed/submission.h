// Text and built occurrences as messages of the engine.
#pragma once

#include "embed/core.h"
//
#include <span>
#include <string_view>

namespace cairn::embed {

// Exhausted: more than v1::kMaxSubmitBytes or v1::kMaxSubmitLines.
Result<v1::Submitted> submit_lines(engine::Store& store, std::string_view lines,
                                   const v1::SubmitOptions& options);
Result<v1::Submitted> submit_occurrences(engine::Store& store,
                                         std::span<const v1::Occurrence> occurrences,
                                         const v1::SubmitOptions& options);

}  // namespace cairn::embed
