#include "query/binder.h"

#include <algorithm>
#include <array>

#include "model/field.h"
#include "query/group_binder.h"
#include "query/release_binder.h"

namespace cairn::query {
namespace {

bool is_comparison(Op op) {
  return op == Op::Greater || op == Op::GreaterEqual || op == Op::Less || op == Op::LessEqual;
}

bool was_written(const Filter& filter) { return filter.op_at.end > filter.op_at.begin; }

// The sign in front of a value, as it was written.
std::string_view sign(const Filter& filter) {
  return filter.op == Op::Equal && !was_written(filter) ? "" : sign_of(filter.op);
}

bool is_number_tag(const Filter& filter) {
  return filter.key.form == KeyForm::Tag && filter.key.tag_type == "number";
}

// Whether a sign in front of the value is an operator; of other texts it is a part of the value.
bool has_operators(const Filter& filter, const FieldRef& ref) {
  return ref.scope != Scope::Event || is_number_tag(filter) || ref.kind != ValueKind::Text ||
         ref.event.part != ReleasePart::Whole;
}

class FilterBinder {
 public:
  FilterBinder(const model::Forest& forest, TimeUs now, const Viewer& viewer)
      : forest_(forest), now_(now), viewer_(viewer) {}

  Result<Expr> bind(const Node& node) const {
    if (const auto* filter = std::get_if<Filter>(&node.what)) return bind(*filter);
    if (const auto* text = std::get_if<FreeText>(&node.what)) return bind(*text);
    if (const auto* all = std::get_if<And>(&node.what)) {
      CAIRN_TRY_ASSIGN(auto children, bind(all->terms));
      return Expr::all_of(std::move(children));
    }
    if (const auto* any = std::get_if<Or>(&node.what)) {
      CAIRN_TRY_ASSIGN(auto children, bind(any->terms));
      return Expr::any_of(std::move(children));
    }
    CAIRN_TRY_ASSIGN(auto child, bind(*std::get<Not>(node.what).term));
    return Expr::negation(std::move(child));
  }

 private:
  Result<std::vector<Expr>> bind(const std::vector<Node>& nodes) const {
    std::vector<Expr> children;
    children.reserve(nodes.size());
    for (const Node& node : nodes) {
      CAIRN_TRY_ASSIGN(auto child, bind(node));
      children.push_back(std::move(child));
    }
    return children;
  }

  Result<Expr> bind(const FreeText& text) const {
    EventTest test;
    test.fields = free_text_fields();
    test.matches.push_back(TextMatch::of(text.value, Op::Contains, /*fold_case=*/true));
    Expr expr = text.value.text.empty() ? Expr{} : Expr::of(std::move(test));
    expr.at = text.value.at;
    return text.negated ? Expr::negation(std::move(expr)) : std::move(expr);
  }

  Result<Expr> bind(const Filter& filter) const {
    CAIRN_TRY(check_form(filter));
    CAIRN_TRY_ASSIGN(Expr expr, bind_positive(filter));
    expr.at = {filter.key.at.begin, filter.at.end};
    const bool unequal = filter.op == Op::NotEqual && has_operators(filter, find_field(filter.key));
    const bool negated = filter.negated != unequal;
    return negated ? Expr::negation(std::move(expr)) : std::move(expr);
  }

  static Result<void> check_form(const Filter& filter) {
    if (filter.values.empty()) return invalid_at(filter.at, "The filter has no value.");
    const bool text = find_field(filter.key).scope == Scope::Event && !is_number_tag(filter);
    if (filter.op == Op::Regex && !text) {
      return invalid_at(filter.op_at,
                        "Regular expressions are for fields of text and tags, as in "
                        "message://^GET .*//.");
    }
    if (filter.list && is_comparison(filter.op)) {
      return invalid_at(filter.op_at,
                        "A list takes no comparison: compare with one value, or leave " +
                            std::string(sign_of(filter.op)) + " out to find any of the values.");
    }
    return {};
  }

  // Without `!` and `!=`.
  Result<Expr> bind_positive(const Filter& filter) const {
    const FieldRef ref = find_field(filter.key);
    CAIRN_TRY(check_known(ref.event, filter.key.form == KeyForm::Plain, filter.key.at));
    switch (ref.scope) {
      case Scope::Is:
        return bind_is(filter);
      case Scope::Has:
        return bind_has(filter);
      case Scope::Id:
        return bind_id(filter);
      case Scope::Time:
        return bind_time(filter);
      case Scope::Group:
        return bind_group(filter, ref.group, forest_, now_, viewer_);
      case Scope::Event:
        return bind_event(filter, ref);
    }
    return invalid_at(filter.key.at, "Unknown field.");
  }

  // Sentry knows this one from sessions.
  static Result<void> check_known(const EventField& field, bool plain, Span at) {
    if (!plain || field.tag != "release.stage") return {};
    return invalid_at(at,
                      "How far a release is adopted follows from sessions, which are not kept "
                      "here; a tag of that name is tags[release.stage].");
  }

  static Result<Expr> bind_has(const Filter& filter) {
    const Value& value = filter.values.front();
    if (filter.list || !value.pattern.empty() || value.text.empty() ||
        (filter.op != Op::Equal && filter.op != Op::NotEqual)) {
      return invalid_at(value.at, "has: takes the name of one field, as in has:user.");
    }
    const FieldRef ref = find_field(value.text);
    CAIRN_TRY(check_known(ref.event, value.text == ref.event.tag, value.at));
    if (ref.scope == Scope::Event) {
      EventTest test;
      test.fields = {ref.event};
      test.matches = {present(ref.event)};
      return Expr::of(std::move(test));
    }
    if (ref.scope == Scope::Group && may_lack(ref.group)) {
      return Expr::negation(without(ref.group));
    }
    return invalid_at(
        value.at,
        "has: takes a field of the occurrence, a tag, assigned, bookmarks, subscribed, "
        "first_release or regressed_in_release; \"" +
            value.text + "\" always has a value.");
  }

  static bool may_lack(GroupField field) {
    return field == GroupField::Assigned || field == GroupField::BookmarkedBy ||
           field == GroupField::SubscribedBy || field == GroupField::FirstRelease ||
           field == GroupField::RegressedIn;
  }

  static Result<Expr> bind_id(const Filter& filter) {
    std::vector<Expr> ids;
    for (const Value& value : filter.values) {
      const bool equality = filter.op == Op::Equal || filter.op == Op::NotEqual;
      const auto id = value.pattern.empty() ? parse_uuid(value.text) : std::nullopt;
      if (!equality || !id) {
        return invalid_at(value.at, "\"" + value.text +
                                        "\" is no id of an occurrence or event: expected all 32 "
                                        "hexadecimal digits; issues are found by issue:SHORT-ID.");
      }
      ids.push_back(Expr::of(IdTest{*id}));
    }
    if (ids.size() == 1) return std::move(ids.front());
    return Expr::any_of(std::move(ids));
  }

  Result<Expr> bind_time(const Filter& filter) const {
    std::vector<Expr> ranges;
    const Op op = filter.op == Op::NotEqual ? Op::Equal : filter.op;
    for (const Value& value : filter.values) {
      CAIRN_TRY_ASSIGN(TimeRange range, parse_time_test(value, op, now_));
      ranges.push_back(Expr::of(TimeTest{range}));
    }
    if (ranges.size() == 1) return std::move(ranges.front());
    return Expr::any_of(std::move(ranges));
  }

  static TextMatch present(const EventField& field) {
    const TextMatch any = TextMatch::any().of_part(field.part);
    return field.prefix.empty() ? any : any.after_prefix(field.prefix);
  }

  Result<Expr> bind_event(const Filter& filter, const FieldRef& ref) const {
    const EventField& field = ref.event;
    if (is_comparison(filter.op) && field.id == model::field::kRelease &&
        field.part == ReleasePart::Whole) {
      return invalid_at(
          filter.values.front().at,
          "Names of releases have no order; compare their versions: release.version:" +
              std::string(sign_of(filter.op)) + filter.values.front().text + ".");
    }
    EventTest test;
    test.fields = {field};
    std::vector<Expr> either;
    for (const Value& value : filter.values) {
      if (asks_for_latest(filter, field, value)) {
        either.push_back(latest_releases(forest_.state()));
        continue;
      }
      if (ref.kind == ValueKind::DeviceClass && add_device_class(filter, value, test)) continue;
      CAIRN_TRY_ASSIGN(auto match, bind_text(filter, ref, value));
      if (match) {
        test.matches.push_back(std::move(*match));
      } else {
        test.or_absent = true;
      }
    }
    // user.id: a user known by another name only has none; so with parts of a release.
    if (test.or_absent && (!field.prefix.empty() || field.part != ReleasePart::Whole)) {
      EventTest any{{field}, {present(field)}, false};
      test.or_absent = false;
      either.push_back(Expr::negation(Expr::of(std::move(any))));
    }
    if (!test.matches.empty() || test.or_absent) either.push_back(Expr::of(std::move(test)));
    return either.size() == 1 ? std::move(either.front()) : Expr::any_of(std::move(either));
  }

  static Result<TextMatch> bind_regex(const EventField& field, const Value& value) {
    auto match = TextMatch::regex(value.text);
    if (!match.ok()) {
      return invalid_at(value.at, match.error().message +
                                      " Put a \\ before signs that stand for themselves, or the "
                                      "value in quotes to search for it as text.");
    }
    TextMatch found = match->of_part(field.part);
    return field.prefix.empty() ? found : found.after_prefix(field.prefix);
  }

  // nullopt: the value is "", which asks for no value.
  static Result<std::optional<TextMatch>> bind_text(const Filter& filter, const FieldRef& ref,
                                                    const Value& value) {
    const EventField& field = ref.event;
    if (filter.op == Op::Regex) {
      CAIRN_TRY_ASSIGN(auto match, bind_regex(field, value));
      return std::optional<TextMatch>(std::move(match));
    }
    const bool equality = filter.op == Op::Equal || filter.op == Op::NotEqual;
    const bool empty = value.text.empty() && value.pattern.empty();
    if (field.part != ReleasePart::Whole && !empty) {
      CAIRN_TRY_ASSIGN(auto match, bind_release_part(filter, field, value));
      return std::optional<TextMatch>(std::move(match));
    }
    const std::string_view written = has_operators(filter, ref) ? "" : sign(filter);
    if (equality && written.empty() && empty) return std::optional<TextMatch>();
    if (ref.kind == ValueKind::Flag) return bind_flag(filter, value);
    TextMatch match;
    if (compares_numbers(filter, ref)) {
      const auto number = value.pattern.empty() ? parse_quantity(value.text) : std::nullopt;
      if (!number) return not_a_quantity(value);
      match = TextMatch::number(equality ? Op::Equal : filter.op, *number);
    } else {
      Value whole = value;  // fields of text take no comparison: the sign belongs to the value
      whole.text.insert(0, written);
      if (!whole.pattern.empty()) whole.pattern[0].insert(0, written);
      match = TextMatch::of(whole, filter.op, ignores_case(field));
    }
    if (!field.prefix.empty()) match = match.after_prefix(field.prefix);
    return std::optional<TextMatch>(std::move(match));
  }

  static bool compares_numbers(const Filter& filter, const FieldRef& ref) {
    if (is_comparison(filter.op)) return is_number_tag(filter) || ref.kind != ValueKind::Text;
    return is_number_tag(filter) && (filter.op == Op::Equal || filter.op == Op::NotEqual);
  }

  // In patterns.
  static bool ignores_case(const EventField& field) {
    return field.id == model::field::kMessage || field.id == model::field::kTitle ||
           field.id == model::field::kEvidence;
  }

  static Result<std::optional<TextMatch>> bind_flag(const Filter& filter, const Value& value) {
    const bool equality = filter.op == Op::Equal || filter.op == Op::NotEqual;
    const bool yes = value.text == "true" || value.text == "1";
    const bool no = value.text == "false" || value.text == "0";
    if (!equality || !value.pattern.empty() || (!yes && !no)) {
      return invalid_at(value.at, "\"" + value.text + "\" is neither true nor false; \"" +
                                      filter.key.name + "\" takes one of these, as in " +
                                      filter.key.name + ":true.");
    }
    return std::optional<TextMatch>(TextMatch::equal(yes ? "true" : "false"));
  }

  // Devices say their class by number, people by name; either finds both. False: the value is
  // neither.
  static bool add_device_class(const Filter& filter, const Value& value, EventTest& test) {
    constexpr std::array<std::string_view, 3> kNames = {"low", "medium", "high"};
    if (filter.op != Op::Equal && filter.op != Op::NotEqual) return false;
    for (size_t i = 0; i < kNames.size(); ++i) {
      const std::string number = std::to_string(i + 1);
      if (value.text != kNames[i] && value.text != number) continue;
      test.matches.push_back(TextMatch::equal(number));
      test.matches.push_back(TextMatch::equal(std::string(kNames[i])));
      return true;
    }
    return false;
  }

  model::Forest forest_;
  TimeUs now_;
  const Viewer& viewer_;
};

}  // namespace

Result<Expr> bind_filter(const Query& query, const model::Forest& forest, TimeUs now,
                         const Viewer& viewer) {
  if (!query.filter) return Expr{};
  return FilterBinder(forest, now, viewer).bind(*query.filter);
}

}  // namespace cairn::query
