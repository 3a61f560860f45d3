// What a rule found, for people and for scripts; files of pairs, which stand for a rule.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "client/console.h"
#include "engine/store.h"

namespace cairn::client {

// issues, without_key, views, merged, taken_out and occurrences, into an open object.
void write_findings(JsonWriter& json, const query::RuleFindings& findings);
// The first links, as [{"view":..,"children":[..]}], for a dry run.
void write_links(JsonWriter& json, std::string_view key, const model::State& state,
                 const model::ViewLinks& links, size_t most);
void print_links(const model::State& state, const query::RuleFindings& findings, size_t most,
                 Console& console);
// "merges 12 issues into 3 (345 events)"
std::string findings_text(const query::RuleFindings& findings);

// `PRIMARY CHILD` a line, with blanks or a comma between them; issues by short id or id, or groups
// by a fingerprint that only one project has. Lines that begin with # do not count.
// Errors: InvalidArgument and NotFound (name file and line), Exhausted (too many), those of files.
Result<query::RuleFindings> read_pairs(const std::string& path, const model::Forest& forest);

}  // namespace cairn::client
