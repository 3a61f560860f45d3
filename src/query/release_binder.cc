#include "query/release_binder.h"

#include <map>

#include "model/field.h"
#include "model/regression.h"
#include "model/release_order.h"

namespace cairn::query {
namespace {

bool is_word(Op op) { return op == Op::Contains || op == Op::StartsWith || op == Op::EndsWith; }

bool is_equality(Op op) { return op == Op::Equal || op == Op::NotEqual; }

// 1.x is 1.*.
Value without_x(const Value& value) {
  Value out = value;
  if (!value.pattern.empty() || !(value.text.ends_with(".x") || value.text.ends_with(".X"))) {
    return out;
  }
  out.pattern = {value.text.substr(0, value.text.size() - 1), ""};
  return out;
}

Result<TextMatch> bind_version(const Filter& filter, const Value& typed) {
  const Value value = without_x(typed);
  if (!value.pattern.empty() || is_word(filter.op)) {
    if (!is_equality(filter.op) && !is_word(filter.op)) {
      return invalid_at(value.at, "Versions are compared with one version, not with a pattern.");
    }
    return TextMatch::of(value, filter.op, /*fold_case=*/false).of_part(ReleasePart::Version);
  }
  const size_t at = value.text.rfind('@');
  const bool packaged = at != std::string::npos;
  std::string version = packaged ? value.text.substr(at + 1) : value.text;
  if (!model::parse_version(version)) {
    return invalid_at(value.at, "\"" + value.text +
                                    "\" is no version: expected one like 1.2.3, 1.2.3-rc.1, "
                                    "shop@1.2.3 or 1.2.*.");
  }
  const Op op = filter.op == Op::NotEqual ? Op::Equal : filter.op;
  return TextMatch::version(op, std::move(version), packaged ? value.text.substr(0, at) : "");
}

Result<TextMatch> bind_build(const Filter& filter, const Value& value) {
  if (is_equality(filter.op) || is_word(filter.op)) {
    return TextMatch::of(value, filter.op, /*fold_case=*/false).of_part(ReleasePart::Build);
  }
  const auto number = value.pattern.empty() ? parse_number(value.text) : std::nullopt;
  if (!number) {
    return invalid_at(value.at, "Builds are compared as numbers, as in release.build:>=1200.");
  }
  return TextMatch::number(filter.op, *number).of_part(ReleasePart::Build);
}

// test(version) for issues of those projects whose newest release it is.
template <class Test>
Expr latest_of(const model::State& state, Test&& test) {
  std::map<std::string_view, GroupTest> projects;  // by version
  for (const auto& [id, project] : state.projects()) {
    const std::string_view version = model::newest_release(state.releases(id));
    if (version.empty()) continue;
    GroupTest& of = projects[version];
    of.field = GroupField::Project;
    of.numbers.push_back(raw(id));
  }
  if (projects.empty()) return Expr::negation(Expr{});
  std::vector<Expr> either;
  for (auto& [version, of] : projects) {
    std::vector<Expr> both;
    both.push_back(Expr::of(std::move(of)));
    both.push_back(test(version));
    either.push_back(Expr::all_of(std::move(both)));
  }
  return either.size() == 1 ? std::move(either.front()) : Expr::any_of(std::move(either));
}

}  // namespace

bool asks_for_latest(const Filter& filter, const EventField& field, const Value& value) {
  return field.id == model::field::kRelease && field.part == ReleasePart::Whole &&
         filter.op == Op::Equal && !value.quoted && value.text == "latest";
}

Expr latest_releases(const model::State& state) {
  return latest_of(state, [](std::string_view version) {
    EventTest release;
    release.fields = {EventField{model::field::kRelease, "", "", {}}};
    release.matches = {TextMatch::equal(std::string(version))};
    return Expr::of(std::move(release));
  });
}

Expr latest_releases(const model::State& state, GroupField field) {
  return latest_of(state, [field](std::string_view version) {
    GroupTest release;
    release.field = field;
    release.texts = {TextMatch::equal(std::string(version))};
    return Expr::of(std::move(release));
  });
}

Result<TextMatch> bind_release_part(const Filter& filter, const EventField& field,
                                    const Value& value) {
  if (field.part == ReleasePart::Version) return bind_version(filter, value);
  if (field.part == ReleasePart::Build) return bind_build(filter, value);
  if (!is_equality(filter.op) && !is_word(filter.op)) {
    return invalid_at(value.at, "Packages are names and have no order; compare release.version.");
  }
  return TextMatch::of(value, filter.op, /*fold_case=*/false).of_part(field.part);
}

}  // namespace cairn::query
