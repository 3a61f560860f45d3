// Found issues as a table with ages and trend bars.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "engine/store.h"
#include "query/search.h"
#include "verbs/terminal.h"

namespace cairn::verbs {

// Searches with a trend that fits what is found: the last two weeks, or, when nothing happened
// then, the time since the first match on the page. Narrow terminals get fewer, later days.
// `options.trend_*` are filled in. Errors: as Snapshot::search.
Result<query::SearchPage> search_with_trend(const engine::Snapshot& snapshot, std::string_view text,
                                            const Terminal& terminal,
                                            query::SearchOptions& options);

// Lines with their ends, without a note on how many there are in all.
std::string issue_table(const model::Forest& forest, const query::SearchPage& page,
                        const query::SearchOptions& options, const Terminal& terminal);

// "14d", "3h": a width in the largest unit that divides it.
std::string span_text(int64_t span_us);

}  // namespace cairn::verbs
