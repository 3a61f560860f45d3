#include "query/field_list.h"

#include <algorithm>
#include <map>

#include "query/field_catalogue.h"
#include "query/group_binder.h"
#include "query/value_parser.h"

namespace cairn::query {
namespace {

constexpr const char* kTextOperators = "= ! [list] * contains: starts_with: ends_with: //regex//";
constexpr const char* kNumberOperators =
    "= != > >= < <= [list] * contains: starts_with: ends_with: //regex//";
constexpr const char* kOrder = "= != > >= < <=";
constexpr size_t kExamples = 3;
// Whether a tag's values are numbers is told by so many of them.
constexpr size_t kLookedAt = 20;

struct IssueField {
  const char* type;
  const char* operators;
  std::vector<std::string> examples;
};

IssueField issue_field(GroupField field) {
  const auto words = [&] {
    std::vector<std::string> out;
    for (const std::string_view word : words_of(field)) out.emplace_back(word);
    return out;
  };
  switch (field) {
    case GroupField::Status:
    case GroupField::Substatus:
    case GroupField::Priority:
    case GroupField::Category:
      return {"word", "= != [list]", words()};
    case GroupField::Type:
      return {"word", "= != [list] *", {"error", "feedback"}};
    case GroupField::Assigned:
      return {"person", "= != [list] *", {"user:7", "#3", "me", "my_teams", "none"}};
    case GroupField::BookmarkedBy:
    case GroupField::SubscribedBy:
      return {"person", "= != [list] *", {"user:7", "me", "none"}};
    case GroupField::TimesSeen:
      return {"number", kOrder, {">100", "<=2.5k"}};
    case GroupField::Merged:
      return {"number", kOrder, {"true", ">3"}};
    case GroupField::FirstRelease:
    case GroupField::RegressedIn:
      return {"text", "= != [list] *", {"1.2.3", "1.2.*", "latest"}};
    case GroupField::FirstSeen:
    case GroupField::LastSeen:
      return {"date", kOrder, {"-24h", "+7d", ">=2026-11-21"}};
    case GroupField::Issue:
      return {"id", "= != [list]", {"SHOP-3K", "17"}};
    case GroupField::Project:
      return {"id", "= != [list] *", {"shop", "4"}};
    case GroupField::Linked:
    case GroupField::ForReview:
      break;
  }
  return {"word", "=", {}};
}

class FieldLister {
 public:
  explicit FieldLister(const View& view) : view_(view) {}

  Result<std::vector<FieldInfo>> list() {
    for (const FieldName& name : field_names()) CAIRN_TRY(add(name));
    std::map<std::string, FieldId> tags;
    for (const FieldId tag : view_.dictionary->tag_fields()) {
      tags.emplace(view_.dictionary->field_name(tag), tag);
    }
    for (const auto& [name, id] : tags) CAIRN_TRY(add_tag(name, id));
    return std::move(fields_);
  }

 private:
  Result<void> add(const FieldName& name) {
    if (!name.alias_of.empty()) {
      const auto original =
          std::find_if(fields_.begin(), fields_.end(),
                       [&](const FieldInfo& field) { return field.name == name.alias_of; });
      original->aliases.emplace_back(name.name);
      return {};
    }
    FieldInfo& info = fields_.emplace_back();
    info.name = name.name;
    switch (name.ref.scope) {
      case Scope::Is:
        info.scope = "filter", info.type = "word", info.operators = "= !";
        for (const std::string_view word : words_of_is()) info.examples.emplace_back(word);
        return {};
      case Scope::Has:
        info.scope = "filter", info.type = "word", info.operators = "= !";
        info.examples = {"user", "tags[os]"};
        return {};
      case Scope::Id:
        info.scope = "occurrence", info.type = "id", info.operators = "= != [list]";
        return {};
      case Scope::Time:
        info.scope = "time", info.type = "date", info.operators = kOrder;
        info.examples = {"-24h", "2026-11-21", ">=2026-11-21T05:27:44Z"};
        return {};
      case Scope::Group: {
        IssueField issue = issue_field(name.ref.group);
        info.scope = "issue", info.type = issue.type, info.operators = issue.operators;
        info.examples = std::move(issue.examples);
        return {};
      }
      case Scope::Event:
        break;
    }
    return add_event(name.ref, info);
  }

  static void describe(ValueKind kind, FieldInfo& info) {
    if (kind == ValueKind::Number) info.type = "number", info.operators = kNumberOperators;
    if (kind == ValueKind::Flag) info.type = "true or false", info.operators = "= != [list]";
    if (kind == ValueKind::DeviceClass) info.operators = "= != [list], also > >= < <=";
  }

  Result<void> add_event(const FieldRef& ref, FieldInfo& info) {
    const EventField& field = ref.event;
    info.scope = "occurrence";
    info.type = "text";
    info.operators = kTextOperators;
    describe(ref.kind, info);
    if (field.part == ReleasePart::Version) {
      info.type = "version", info.operators = "= != > >= < <= [list] *";
      info.examples = {">=1.2", "1.2.*", "shop@1.2.3"};
      return {};
    }
    if (field.part == ReleasePart::Build) info.operators = "= != > >= < <= [list] *";
    if (field.part != ReleasePart::Whole || !field.prefix.empty()) return {};
    const auto tag = field.id == FieldId{0} ? view_.dictionary->find_tag(field.tag) : field.id;
    info.values = tag ? view_.dictionary->value_count(*tag) : 0;
    return tag ? take_examples(*tag, info) : Result<void>();
  }

  Result<void> add_tag(const std::string& name, FieldId id) {
    FieldInfo info;
    const FieldRef ref = find_field(name);
    const bool plain = ref.event.tag == name && ref.scope == Scope::Event;
    const bool bare = name.find_first_not_of(
                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                          "0123456789_.-") == std::string::npos;
    info.name = !plain ? (bare ? "tags[" + name + "]" : "tags[\"" + name + "\"]")
                       : (bare ? name : "\"" + name + "\"");
    info.scope = "tag";
    info.values = view_.dictionary->value_count(id);
    CAIRN_TRY(take_examples(id, info));
    info.type = numbers_ ? "number" : "text";
    info.operators = kTextOperators;
    if (ref.kind != ValueKind::Text) {
      describe(numbers_ ? ref.kind : ValueKind::Text, info);
    } else if (numbers_) {
      info.operators = "= ! [list] *, as tags[" + name + ",number] also != > >= < <=";
    }
    fields_.push_back(std::move(info));
    return {};
  }

  Result<void> take_examples(FieldId id, FieldInfo& info) {
    size_t seen = 0;
    numbers_ = true;
    CAIRN_TRY(view_.dictionary->scan(id, view_.txn, [&](ValueId, std::string_view text) {
      if (info.examples.size() < kExamples) info.examples.emplace_back(text);
      numbers_ = numbers_ && parse_quantity(text).has_value();
      return ++seen < kLookedAt;
    }));
    numbers_ = numbers_ && seen > 0;
    return {};
  }

  const View& view_;
  std::vector<FieldInfo> fields_;
  bool numbers_ = false;  // all values of the field last looked at, as far as that went
};

}  // namespace

Result<std::vector<FieldInfo>> list_fields(const View& view) { return FieldLister(view).list(); }

}  // namespace cairn::query
