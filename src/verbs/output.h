// Answers as JSON, in the shapes scripts rely on, and the names they use.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_writer.h"
#include "base/result.h"
#include "engine/store.h"
#include "model/forest.h"
#include "query/search.h"
#include "verbs/console.h"

namespace cairn::verbs {

// {"error":{"code":..,"message":..,"position":..}}
std::string error_json(const Error& error);
// The inner members of it, for answers that carry an error beside other things.
void write_error(JsonWriter& json, const Error& error);

// {"lsn":..,"total":..,"next":..,"prev":..,"issues":[..]}
std::string page_json(const model::Forest& forest, const query::SearchPage& page);
// {"lsn":..,"total":..,"columns":[..],"rows":[[..]]}; total counts the rows that were cut off, too
std::string table_json(const query::Table& table);

// first_seen, last_seen (null when nothing was seen) and times_seen, into an open object.
void write_seen(JsonWriter& json, const model::Totals& seen);

// The members of one found issue, into an open object. `count` and `users` are of the matching
// occurrences. `alone`: without what is merged into it.
void write_issue(JsonWriter& json, const model::Forest& forest, GroupId id, uint64_t count,
                 uint64_t users, bool alone = false);

// One occurrence as export writes it: an object in the wire form with _issue, _leaf and _lsn added.
void write_event(JsonWriter& json, const model::State& state, const engine::Snapshot::Event& event);

// For people: the substatus where it says more than the status.
std::string status_text(const model::ShownStatus& shown);

// Members "snooze" and "resolution" of an object.
void write_snooze(JsonWriter& json, const model::SnoozeTerms& terms);
void write_resolution(JsonWriter& json, const model::Resolution& resolution);
// A cell for people.
std::string cell_text(const query::Cell& cell);
std::string_view outcome_name(engine::Outcome outcome);

// Member "warnings" of an object, when there are any.
void write_warnings(JsonWriter& json, const std::vector<std::string>& warnings);
// For people: how to go on from a page.
void note_pages(const std::optional<std::string>& prev, const std::optional<std::string>& next,
                const Console& console);

void write_text_or_null(JsonWriter& json, std::string_view key, std::string_view text);

}  // namespace cairn::verbs
