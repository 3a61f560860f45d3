// Rules, values and keys of alerts in words and as JSON: what all answers about them have in
// common.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "alert/incident.h"
#include "alert/rule.h"
#include "base/json_writer.h"
#include "base/result.h"
#include "model/state.h"

namespace cairn::verbs {

// What the rule means: "count() of level:error by release over 1 h, every 3 min; critical above
// 100, ...".
std::string describe(const alert::Rule& rule);

// The text that a position in an error of bind_rule() points into: that of the member it names;
// nullptr: it names none.
const std::string* member_text(const alert::Rule& rule, const Error& error);
// With a caret under what is wrong.
std::string bind_error_text(const alert::Rule& rule, const Error& error);

// "10 min", "1 h", "7 d".
std::string minutes_text(uint64_t minutes);
std::string number_text(double value);
std::string number_text(const std::optional<double>& value);  // "-" for none

// "opened", "became critical", "eased to warning", "resolved".
std::string what_text(alert::Severity from, alert::Severity to);

// Whether values of group_by are issues, which people know by their short ids.
bool keys_are_issues(const alert::Rule& rule);
// The key as people know it; "" of a rule without group_by.
std::string key_text(const alert::Rule& rule, const model::State& state, const std::string& key);

// Members of an object; null for none.
void write_number(JsonWriter& json, std::string_view key, const std::optional<double>& value);
void write_time(JsonWriter& json, std::string_view key, std::optional<TimeUs> time);
// "key", and "issue" where it is one.
void write_key(JsonWriter& json, const alert::Rule& rule, const model::State& state,
               const std::string& key);

}  // namespace cairn::verbs
