// What a rule found, for people and for scripts; files of pairs, which stand for a rule.
#pragma once

#include <string>

#include "base/json_writer.h"
#include "engine/store.h"
#include "verbs/console.h"
#include "verbs/files.h"

namespace cairn::verbs {

// issues, without_key, views, merged, taken_out and occurrences, into an open object.
void write_findings(JsonWriter& json, const query::RuleFindings& findings);
// What a dry run tells: the first links, and how many there would be.
void print_trial(const model::State& state, const query::RuleFindings& findings, Console& console);
// "merges 12 issues into 3 (345 events)"
std::string findings_text(const query::RuleFindings& findings);

// Pairs in the forms of pair_reader.h; issues by short id or id, or groups by a fingerprint that
// only one project has. Errors: InvalidArgument and NotFound (name file and line), Exhausted (too
// many), those of files.
Result<query::RuleFindings> read_pairs(Files& files, const std::string& path,
                                       const model::Forest& forest);

}  // namespace cairn::verbs
