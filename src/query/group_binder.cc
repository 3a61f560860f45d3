#include "query/group_binder.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "model/group_type.h"
#include "model/message.h"
#include "query/release_binder.h"

namespace cairn::query {
namespace {

using model::Status;
using model::Substatus;

struct NamedNumber {
  std::string_view name;
  uint64_t number;
};

constexpr uint64_t number_of(Status status) { return raw(status); }
constexpr uint64_t number_of(Substatus substatus) { return raw(substatus); }

constexpr std::array kStatuses = {
    NamedNumber{"unresolved", number_of(Status::Unresolved)},
    NamedNumber{"resolved", number_of(Status::Resolved)},
    NamedNumber{"ignored", number_of(Status::Ignored)},
    NamedNumber{"archived", number_of(Status::Ignored)},
    NamedNumber{"muted", number_of(Status::Ignored)},
};
constexpr std::array kSubstatuses = {
    NamedNumber{"new", number_of(Substatus::New)},
    NamedNumber{"ongoing", number_of(Substatus::Ongoing)},
    NamedNumber{"escalating", number_of(Substatus::Escalating)},
    NamedNumber{"regressed", number_of(Substatus::Regressed)},
    NamedNumber{"archived_until_escalating", number_of(Substatus::UntilEscalating)},
    NamedNumber{"until_escalating", number_of(Substatus::UntilEscalating)},
    NamedNumber{"archived_until_condition_met", number_of(Substatus::UntilConditionMet)},
    NamedNumber{"until_condition_met", number_of(Substatus::UntilConditionMet)},
    NamedNumber{"archived_forever", number_of(Substatus::Forever)},
    NamedNumber{"forever", number_of(Substatus::Forever)},
};
constexpr std::array kPriorities = {NamedNumber{"high", 75}, NamedNumber{"medium", 50},
                                    NamedNumber{"low", 25}};
constexpr uint16_t kMaxCategory = 255;

std::optional<uint64_t> find_number(std::span<const NamedNumber> names, std::string_view name) {
  for (const NamedNumber& named : names) {
    if (named.name == name) return named.number;
  }
  return std::nullopt;
}

void append_names(std::vector<std::string_view>& out, std::span<const NamedNumber> names) {
  for (const NamedNumber& named : names) out.push_back(named.name);
}

void append_categories(std::vector<std::string_view>& out) {
  for (uint16_t category = 1; category <= kMaxCategory; ++category) {
    const std::string_view name = model::category_name(category);
    if (!name.empty()) out.push_back(name);
  }
}

// What other trackers say.
constexpr std::array<std::pair<std::string_view, std::string_view>, 12> kForeignWords = {{
    {"open", "unresolved"},
    {"opened", "unresolved"},
    {"active", "unresolved"},
    {"closed", "resolved"},
    {"fixed", "resolved"},
    {"done", "resolved"},
    {"silenced", "archived"},
    {"snoozed", "archived"},
    {"critical", "high"},
    {"urgent", "high"},
    {"normal", "medium"},
    {"minor", "low"},
}};

// The word for what people from elsewhere call so, or the nearest one.
std::string nearest(std::string_view text, std::span<const std::string_view> known) {
  for (const auto& [foreign, ours] : kForeignWords) {
    if (!equal_ignoring_case(text, foreign)) continue;
    if (std::find(known.begin(), known.end(), ours) == known.end()) continue;
    return "; did you mean \"" + std::string(ours) + "\"?";
  }
  return suggestion(text, known);
}

Error unknown_value(const Value& value, std::string_view what,
                    std::span<const std::string_view> known) {
  return invalid_at(value.at, "\"" + value.text + "\" is no " + std::string(what) +
                                  nearest(value.text, known) + " Known are " + enumerate(known) +
                                  ".");
}

// is:[new, ongoing] as it has to be written.
std::string is_one_by_one(const Filter& filter) {
  std::string text;
  for (const Value& value : filter.values) text += (text.empty() ? "is:" : " OR is:") + value.text;
  return text;
}

std::optional<uint64_t> parse_id(std::string_view text) {
  uint64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return number;
}

GroupTest number_test(GroupField field, uint64_t number) {
  GroupTest test;
  test.field = field;
  test.numbers.push_back(number);
  return test;
}

// One value of one group field, added to `test`.
class ValueBinder {
 public:
  ValueBinder(const Filter& filter, const model::Forest& forest, TimeUs now, const Viewer& viewer,
              GroupTest& test)
      : forest_(forest),
        state_(forest.state()),
        now_(now),
        viewer_(viewer),
        key_(filter.key.name),
        op_(filter.op == Op::NotEqual ? Op::Equal : filter.op),
        test_(test) {}

  Result<void> add(const Value& value) {
    switch (test_.field) {
      case GroupField::Status:
        return add_named(value, "status", kStatuses);
      case GroupField::Substatus:
        return add_named(value, "substatus", kSubstatuses);
      case GroupField::Priority:
        return add_named(value, "priority", kPriorities);
      case GroupField::Type:
        return add_type(value);
      case GroupField::Category:
        return add_category(value);
      case GroupField::Assigned:
        return add_assignee(value);
      case GroupField::TimesSeen:
        return add_count(value);
      case GroupField::FirstSeen:
      case GroupField::LastSeen:
        return add_time(value);
      case GroupField::Issue:
        return add_issue(value);
      case GroupField::Project:
        return add_project(value);
      case GroupField::BookmarkedBy:
      case GroupField::SubscribedBy:
        return add_person(value);
      case GroupField::Merged:
        return add_merged(value);
      case GroupField::FirstRelease:
      case GroupField::RegressedIn:
        return add_release(value);
      case GroupField::Linked:
      case GroupField::ForReview:
        break;  // said by is: alone
    }
    return {};
  }

 private:
  Result<void> need_equality(const Value& value) const {
    if (op_ == Op::Equal) return {};
    return invalid_at(value.at, "\"" + key_ +
                                    "\" takes no comparison, only a value or a list: write " +
                                    key_ + ":VALUE or !" + key_ + ":VALUE.");
  }

  bool is_text_pattern(const Value& value) const {
    return !value.pattern.empty() || op_ == Op::Contains || op_ == Op::StartsWith ||
           op_ == Op::EndsWith;
  }

  Result<void> add_named(const Value& value, std::string_view what,
                         std::span<const NamedNumber> names) {
    CAIRN_TRY(need_equality(value));
    const auto number = find_number(names, value.text);
    if (!number) return unknown_value(value, what, words_of(test_.field));
    test_.numbers.push_back(*number);
    return {};
  }

  // Whether the value was an id.
  Result<bool> add_number(const Value& value) {
    CAIRN_TRY(need_equality(value));
    const auto id = parse_id(value.text);
    if (id) test_.numbers.push_back(*id);
    return id.has_value();
  }

  Result<void> add_type(const Value& value) {
    if (is_text_pattern(value)) {
      test_.texts.push_back(TextMatch::of(value, op_, /*fold_case=*/false));
      return {};
    }
    CAIRN_TRY_ASSIGN(const bool numbered, add_number(value));
    if (numbered) return {};
    std::vector<std::string_view> known;
    for (const model::GroupType& type : model::known_group_types()) known.push_back(type.slug);
    for (const auto& [id, type] : state_.types_set()) known.push_back(type.slug);
    const bool found = std::find(known.begin(), known.end(), value.text) != known.end();
    if (!found && !value.text.starts_with("type-")) {
      return invalid_at(value.at, "\"" + value.text + "\" is no issue type" +
                                      suggestion(value.text, known) +
                                      " A number or a wildcard is taken, too.");
    }
    test_.texts.push_back(TextMatch::equal(value.text));
    return {};
  }

  Result<void> add_category(const Value& value) {
    CAIRN_TRY(need_equality(value));
    if (const auto number = parse_id(value.text); number && *number > 0) {
      test_.numbers.push_back(*number);
      return {};
    }
    for (uint16_t category = 1; category <= kMaxCategory; ++category) {
      if (value.text.empty() || model::category_name(category) != value.text) continue;
      test_.numbers.push_back(category);
      return {};
    }
    return unknown_value(value, "issue category", words_of(GroupField::Category));
  }

  Result<void> add_assignee(const Value& value) {
    if (!is_text_pattern(value)) CAIRN_TRY(need_equality(value));
    const std::string& text = value.text;
    if (!value.quoted && (text == "me" || text == "my_teams")) return add_viewer(value);
    if (!is_text_pattern(value) && (text == "none" || text.empty())) {
      test_.texts.push_back(TextMatch::equal(""));
      return {};
    }
    Value actor = value;
    std::string& front = actor.pattern.empty() ? actor.text : actor.pattern.front();
    const bool open_front = front.empty() || op_ == Op::Contains || op_ == Op::EndsWith;
    std::string kind;
    if (front.starts_with("#")) {
      front.erase(0, 1);
      kind = "team:";
    } else if (!open_front && !front.starts_with("user:") && !front.starts_with("team:")) {
      kind = "user:";
    }
    test_.texts.push_back(TextMatch::of(actor, op_, /*fold_case=*/false).after_prefix(kind));
    return {};
  }

  // Who asks, or any of their teams.
  Result<void> add_viewer(const Value& value) {
    const bool teams = value.text == "my_teams";
    if (!teams && viewer_.user.empty()) {
      return invalid_at(
          value.at,
          "Nobody in particular asks, so \"me\" means no one: say who asks (--as USER), or name "
          "the user as user:ID.");
    }
    if (!teams) test_.texts.push_back(TextMatch::equal("user:" + viewer_.user));
    // Without a team nothing is assigned to one of them.
    if (teams && viewer_.teams.empty()) test_.texts.push_back(TextMatch::equal("team:"));
    for (const std::string& team : viewer_.teams) {
      if (teams) test_.texts.push_back(TextMatch::equal("team:" + team));
    }
    return {};
  }

  // Only people bookmark and subscribe.
  Result<void> add_person(const Value& value) {
    if (!value.quoted && value.text == "me") return add_viewer(value);
    return add_assignee(value);
  }

  // merged:true, merged:>3.
  Result<void> add_merged(const Value& value) {
    if (value.text != "true" && value.text != "false") {
      if (add_count(value).ok()) return {};
      return invalid_at(value.at,
                        "\"" + value.text +
                            "\" says nothing about merged groups: expected true, false or "
                            "how many, as in merged:>3.");
    }
    CAIRN_TRY(need_equality(value));
    test_.counts.push_back({value.text == "true" ? Op::Greater : Op::Equal, 0});
    return {};
  }

  // "" asks for none.
  Result<void> add_release(const Value& value) {
    if (!is_text_pattern(value)) CAIRN_TRY(need_equality(value));
    test_.texts.push_back(TextMatch::of(value, op_, /*fold_case=*/false));
    return {};
  }

  Result<void> add_count(const Value& value) {
    const auto number = value.pattern.empty() ? parse_number(value.text) : std::nullopt;
    if (!number || is_text_pattern(value)) return not_a_number(value);
    test_.counts.push_back(NumberTest{op_, *number});
    return {};
  }

  Result<void> add_time(const Value& value) {
    if (is_text_pattern(value)) return need_equality(value);
    CAIRN_TRY_ASSIGN(TimeRange range, parse_time_test(value, op_, now_));
    test_.times.push_back(range);
    return {};
  }

  Result<void> add_issue(const Value& value) {
    CAIRN_TRY(need_equality(value));
    auto found = state_.find_issue(value.text);
    if (!found) {
      Error error = std::move(found).error();
      error.position = value.at.begin;
      return error;
    }
    test_.numbers.push_back(raw(forest_.root_of(*found)));
    return {};
  }

  Result<void> add_project(const Value& value) {
    if (is_text_pattern(value)) {
      add_slugs(TextMatch::of(value, op_, /*fold_case=*/true));
      return {};
    }
    CAIRN_TRY_ASSIGN(const bool numbered, add_number(value));
    if (numbered) return {};
    std::vector<std::string_view> known;
    for (const auto& [id, project] : state_.projects()) {
      known.push_back(project.slug);
      if (!equal_ignoring_case(project.slug, value.text)) continue;
      test_.numbers.push_back(raw(id));
      return {};
    }
    return Error{ErrorCode::NotFound,
                 "There is no project \"" + value.text + "\"" + suggestion(value.text, known) +
                     " A number is taken, too.",
                 value.at.begin};
  }

  void add_slugs(const TextMatch& match) {
    for (const auto& [id, project] : state_.projects()) {
      if (match.matches(project.slug)) test_.numbers.push_back(raw(id));
    }
  }

  model::Forest forest_;
  const model::State& state_;
  TimeUs now_;
  const Viewer& viewer_;
  const std::string& key_;
  Op op_;
  GroupTest& test_;
};

Expr flag(GroupField field) {
  GroupTest test;
  test.field = field;
  return Expr::of(std::move(test));
}

bool is_latest(const Filter& filter, GroupField field, const Value& value) {
  const bool release = field == GroupField::FirstRelease || field == GroupField::RegressedIn;
  const bool equality = filter.op == Op::Equal || filter.op == Op::NotEqual;
  return release && equality && !value.quoted && value.text == "latest";
}

}  // namespace

Expr without(GroupField field) {
  GroupTest test;
  test.field = field;
  test.texts.push_back(TextMatch::equal(""));
  return Expr::of(std::move(test));
}

Result<Expr> bind_is(const Filter& filter) {
  const Value& value = filter.values.front();
  const bool equality = filter.op == Op::Equal || filter.op == Op::NotEqual;
  if (filter.list && value.pattern.empty() && equality) {
    return invalid_at(value.at, "is: takes one value, no list: write (" + is_one_by_one(filter) +
                                    "), or status:[...] and substatus:[...].");
  }
  if (filter.list || !value.pattern.empty() || !equality) {
    return invalid_at(value.at,
                      "is: takes one value, no wildcard and no comparison, as in is:unresolved.");
  }
  if (value.text == "unassigned") return without(GroupField::Assigned);
  if (value.text == "assigned") return Expr::negation(without(GroupField::Assigned));
  if (const auto status = find_number(kStatuses, value.text)) {
    return Expr::of(number_test(GroupField::Status, *status));
  }
  if (const auto substatus = find_number(kSubstatuses, value.text)) {
    return Expr::of(number_test(GroupField::Substatus, *substatus));
  }
  if (value.text == "for_review") return flag(GroupField::ForReview);
  if (value.text == "linked") return flag(GroupField::Linked);
  if (value.text == "unlinked") return Expr::negation(flag(GroupField::Linked));
  if (value.text == "reprocessing") {
    return invalid_at(value.at,
                      "Nothing is ever reprocessed here: what an occurrence said stays as it was.");
  }
  return unknown_value(value, "value of is:", words_of_is());
}

std::vector<std::string_view> words_of_is() {
  std::vector<std::string_view> words;
  append_names(words, kStatuses);
  append_names(words, kSubstatuses);
  words.insert(words.end(), {"assigned", "unassigned", "for_review", "linked", "unlinked"});
  return words;
}

std::vector<std::string_view> words_of(GroupField field) {
  std::vector<std::string_view> words;
  if (field == GroupField::Status) append_names(words, kStatuses);
  if (field == GroupField::Substatus) append_names(words, kSubstatuses);
  if (field == GroupField::Priority) append_names(words, kPriorities);
  if (field == GroupField::Category) append_categories(words);
  return words;
}

Result<Expr> bind_group(const Filter& filter, GroupField field, const model::Forest& forest,
                        TimeUs now, const Viewer& viewer) {
  GroupTest test;
  test.field = field;
  ValueBinder binder(filter, forest, now, viewer, test);
  bool latest = false;
  for (const Value& value : filter.values) {
    if (is_latest(filter, field, value)) {
      latest = true;
    } else {
      CAIRN_TRY(binder.add(value));
    }
  }
  if (!latest) return Expr::of(std::move(test));
  std::vector<Expr> either;
  either.push_back(latest_releases(forest.state(), field));
  if (!test.texts.empty()) either.push_back(Expr::of(std::move(test)));
  return Expr::any_of(std::move(either));
}

}  // namespace cairn::query
