#include "query/group_tags.h"

#include <algorithm>
#include <array>
#include <optional>

#include "model/field.h"
#include "query/field_catalogue.h"
#include "query/value_counts.h"

namespace cairn::query {
namespace {

namespace field = model::field;

// The others are the text of an occurrence, or name it.
constexpr std::array kTagLike = {
    field::kLevel,        field::kEnvironment, field::kRelease,
    field::kDist,         field::kUser,        field::kTransaction,
    field::kUrl,          field::kServerName,  field::kLogger,
    field::kPlatform,     field::kErrorType,   field::kHttpMethod,
    field::kSdkName,      field::kSdkVersion,  field::kErrorMechanism,
    field::kErrorHandled,
};

Result<void> check_limit(uint32_t limit) {
  if (limit >= 1 && limit <= kMaxLimit) return {};
  return make_error(ErrorCode::InvalidArgument, "The limit is " + std::to_string(limit) +
                                                    "; it has to be between 1 and " +
                                                    std::to_string(kMaxLimit) + ".");
}

// A tag is written with brackets where its name alone means something else.
std::string tag_key(const std::string& name) {
  const FieldRef ref = find_field(std::string_view(name));
  const bool plain = ref.scope == Scope::Event && ref.event.id == FieldId{0};
  return plain ? name : "tags[" + name + "]";
}

// Counts of one field, and the values that come first.
struct Counted {
  uint64_t values = 0;
  uint64_t without = 0;  // occurrences that have none
  std::vector<ValueId> top;
  std::vector<uint64_t> counts;  // of `top`
};

Counted count_field(const View& view, FieldId field, uint32_t limit,
                    const std::vector<PartMatch>& parts) {
  const uint64_t bound = uint64_t{view.dictionary->value_count(field)} + 1;
  Counted out;
  Holding held(view.meter);
  held.set(bound * (sizeof(uint64_t) + sizeof(uint32_t)));  // and which of them are there
  if (stopped(view.meter)) return out;
  const std::vector<uint64_t> counts = count_values(field, bound, parts);
  out.without = counts[0];
  std::vector<uint32_t> present;
  for (uint32_t value = 1; value < counts.size(); ++value) {
    if (counts[value] > 0) present.push_back(value);
  }
  out.values = present.size();
  const size_t shown = std::min<size_t>(limit, present.size());
  std::partial_sort(present.begin(), present.begin() + static_cast<ptrdiff_t>(shown), present.end(),
                    [&](uint32_t a, uint32_t b) {
                      return counts[a] != counts[b] ? counts[a] > counts[b] : a < b;
                    });
  for (size_t i = 0; i < shown; ++i) {
    out.top.push_back(ValueId{present[i]});
    out.counts.push_back(counts[present[i]]);
  }
  return out;
}

Result<TagKey> name_values(const View& view, FieldId field, std::string key, uint64_t total,
                           const Counted& counted) {
  TagKey out{std::move(key), counted.values, total - counted.without, {}};
  for (size_t i = 0; i < counted.top.size(); ++i) {
    CAIRN_TRY_ASSIGN(std::string text, view.dictionary->value(field, counted.top[i], view.txn));
    out.top.push_back({std::move(text), counted.counts[i], {}, {}});
  }
  return out;
}

bool same_values(const TagKey& a, const TagKey& b) {
  return a.values == b.values && a.count == b.count &&
         std::equal(a.top.begin(), a.top.end(), b.top.begin(), b.top.end(),
                    [](const TagValue& x, const TagValue& y) {
                      return x.text == y.text && x.count == y.count;
                    });
}

uint64_t count_of(const std::vector<PartMatch>& parts) {
  uint64_t count = 0;
  for (const PartMatch& match : parts) count += match.count();
  return count;
}

// Fields that any of the parts has, by id.
std::vector<FieldId> fields_of(const std::vector<PartMatch>& parts) {
  std::vector<FieldId> fields;
  for (const PartMatch& match : parts) {
    const std::vector<FieldId> more = match.part->fields();
    fields.insert(fields.end(), more.begin(), more.end());
  }
  std::sort(fields.begin(), fields.end());
  fields.erase(std::unique(fields.begin(), fields.end()), fields.end());
  return fields;
}

// Every tag, by name.
std::vector<std::pair<std::string, FieldId>> tags_among(const View& view,
                                                        const std::vector<FieldId>& fields) {
  std::vector<std::pair<std::string, FieldId>> tags;
  for (const FieldId id : fields) {
    if (view.dictionary->is_tag(id)) tags.emplace_back(view.dictionary->field_name(id), id);
  }
  std::sort(tags.begin(), tags.end());
  return tags;
}

// Some occurrence of the view has it: as of a moment the dictionary knows names of later on.
bool is_used(const View& view, FieldId tag) {
  return std::any_of(view.parts.begin(), view.parts.end(), [&](const storage::Part* part) {
    const storage::Bitmap* only = part->only();
    return only == nullptr ? part->value_count(tag) > 0 : part->any(tag).and_cardinality(*only) > 0;
  });
}

Error unknown_key(const View& view, std::string_view key) {
  std::vector<std::string> names;
  for (const FieldId id : view.dictionary->tag_fields()) {
    if (is_used(view, id)) names.push_back(view.dictionary->field_name(id));
  }
  for (const model::BuiltinField& builtin : model::builtin_fields()) {
    names.emplace_back(builtin.name);
  }
  const std::vector<std::string_view> known(names.begin(), names.end());
  return make_error(ErrorCode::NotFound, "No occurrence has a tag \"" + std::string(key) + "\"" +
                                             suggestion(key, known));
}

Result<FieldId> field_of_key(const View& view, std::string_view key) {
  const FieldRef ref = find_field(key);
  if (ref.scope != Scope::Event) {
    return make_error(ErrorCode::InvalidArgument,
                      "\"" + std::string(key) + "\" is no field of an occurrence; write tags[" +
                          std::string(key) + "] if a tag is meant.");
  }
  if (ref.event.id != FieldId{0}) return ref.event.id;
  const auto tag = view.dictionary->find_tag(ref.event.tag);
  if (tag && is_used(view, *tag)) return *tag;
  return unknown_key(view, ref.event.tag);
}

}  // namespace

Result<TagList> list_tags(const View& given, const GroupScope& scope, const Query& filter,
                          const TagOptions& options) {
  Meter own(options.control);
  const View view = watched(given, own);
  CAIRN_TRY(check_limit(options.limit));
  CAIRN_TRY_ASSIGN(const auto parts, match_group(view, scope, filter, options.now));
  TagList list{view.lsn, count_of(parts), {}};
  std::vector<std::pair<std::string, FieldId>> wanted;
  for (const FieldId id : kTagLike) wanted.emplace_back(view.dictionary->field_name(id), id);
  for (auto& [name, id] : tags_among(view, fields_of(parts))) {
    wanted.emplace_back(tag_key(name), id);
  }
  for (const auto& [key, id] : wanted) {
    const Counted counted = count_field(view, id, options.limit, parts);
    if (counted.values == 0) continue;
    CAIRN_TRY_ASSIGN(TagKey one, name_values(view, id, key, list.total, counted));
    const bool told = std::any_of(list.keys.begin(), list.keys.end(), [&](const TagKey& other) {
      return one.key == "tags[" + other.key + "]" && same_values(one, other);
    });
    if (!told) list.keys.push_back(std::move(one));
    CAIRN_TRY(check(view.meter));
  }
  CAIRN_TRY(check(view.meter));
  return list;
}

Result<TagList> list_values(const View& given, const GroupScope& scope, const Query& filter,
                            std::string_view key, const TagOptions& options) {
  Meter own(options.control);
  const View view = watched(given, own);
  CAIRN_TRY(check_limit(options.limit));
  CAIRN_TRY_ASSIGN(const FieldId id, field_of_key(view, key));
  CAIRN_TRY_ASSIGN(const auto parts, match_group(view, scope, filter, options.now));
  TagList list{view.lsn, count_of(parts), {}};
  const Counted counted = count_field(view, id, options.limit, parts);
  const std::string name = view.dictionary->field_name(id);
  const std::string shown = view.dictionary->is_tag(id) ? tag_key(name) : name;
  CAIRN_TRY_ASSIGN(TagKey one, name_values(view, id, shown, list.total, counted));
  const std::vector<TimeSpan> spans = times_of_values(id, counted.top, parts);
  for (size_t i = 0; i < spans.size(); ++i) {
    one.top[i].first = spans[i].first;
    one.top[i].last = spans[i].last;
  }
  list.keys.push_back(std::move(one));
  CAIRN_TRY(check(view.meter));
  return list;
}

}  // namespace cairn::query
