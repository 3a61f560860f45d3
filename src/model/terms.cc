#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <unordered_set>

#include "model/field_reader.h"
#include "model/json_scalar.h"
#include "model/json_tree.h"
#include "model/occurrence.h"
#include "model/term_details.h"
#include "model/term_texts.h"

namespace cairn::model {
struct TermExtractor::Impl {
  // The event of an occurrence that comes without its line. One that is no JSON object (only a
  // hand-made occurrence can have one) has no terms.
  JsonValue parse_event(const std::string& event) {
    const bool parsed = !event.empty() && tree.parse(event, kEventKeepDepth, kMaxJsonDepth).ok();
    return parsed ? tree.root() : JsonValue{};
  }
  void extract(const Occurrence& occurrence, JsonValue event, FieldId last = field::kLastBuiltin);

 private:
  void collect_event(JsonValue event);
  void collect_event_member(std::string_view name, JsonValue value);
  void collect_user(JsonValue user);
  void collect_exceptions(JsonValue exception);
  void collect_tags(JsonValue tags);
  void collect_tag(JsonValue name, JsonValue value);
  void add_each_once(FieldId field, std::span<const std::string_view> values);

  std::string_view text(JsonValue string) { return texts.text(string); }
  std::string_view scalar(JsonValue value) { return texts.scalar(value); }
  std::string_view member(JsonValue object, std::string_view name) {
    return texts.member(object, name);
  }
  std::string_view joined(std::string_view prefix, std::string_view value) {
    return texts.joined(prefix, value);
  }

  void set(FieldId field, std::string_view value) { single[raw(field)] = value; }
  void set_default(FieldId field, std::string_view value) {
    if (single[raw(field)].empty()) single[raw(field)] = value;
  }

  static constexpr size_t kFingerprintLevels =
      raw(field::kFingerprint5) - raw(field::kFingerprint2) + 2;
  static constexpr size_t kAttributes = raw(field::kLastAttribute) + 1;

  JsonTree tree;
  std::array<std::string_view, kAttributes> single;  // fields with one value, by id
  std::vector<std::string_view> error_types;
  std::vector<std::string_view> fingerprint;
  std::vector<Term> tags;
  TermTexts texts;
  TermDetails details;
  TermDetails::Sources deeper;

 public:
  std::vector<Term> terms;
};

// Leaves out what lies deeper when no field behind the attributes is asked for.
void TermExtractor::Impl::extract(const Occurrence& o, JsonValue event, FieldId last) {
  terms.clear();
  tags.clear();
  error_types.clear();
  single.fill({});
  texts.clear();
  deeper = {};

  fingerprint.assign(o.fingerprint.begin(), o.fingerprint.end());
  if (event) collect_event(event);
  for (size_t level = 2; level <= kFingerprintLevels && level <= fingerprint.size(); ++level) {
    set(FieldId{static_cast<uint16_t>(raw(field::kFingerprint2) + level - 2)},
        fingerprint[level - 1]);
  }
  set(field::kLevel, level_name(o.level()));
  const auto optional_text = [](const std::optional<std::string>& value) {
    return value ? std::string_view(*value) : std::string_view();
  };
  set(field::kCulprit, optional_text(o.culprit));
  set(field::kTitle, optional_text(o.title));
  set(field::kSubtitle, optional_text(o.subtitle));
  std::array<char, 16> type{};
  const char* const type_end = std::to_chars(type.data(), type.data() + type.size(), o.type).ptr;
  set(field::kType, joined({}, {type.data(), static_cast<size_t>(type_end - type.data())}));

  for (size_t id = 1; id < kAttributes; ++id) {
    const FieldId field{static_cast<uint16_t>(id)};
    if (field == field::kFingerprint) {
      add_each_once(field, fingerprint);
    } else if (field == field::kErrorType) {
      add_each_once(field, error_types);
    } else if (!single[id].empty()) {
      terms.push_back(Term{field, {}, single[id]});
    }
  }
  const bool all = last > field::kLastAttribute;
  if (all && (deeper || !o.evidence_display.empty() || !o.evidence_data.empty())) {
    details.collect(o, deeper, texts, terms, tags);
  }
  terms.insert(terms.end(), tags.begin(), tags.end());
}

void TermExtractor::Impl::add_each_once(FieldId field, std::span<const std::string_view> values) {
  constexpr size_t kPairs = 16;  // comparing all pairs beats hashing up to here
  const size_t since = terms.size();
  std::unordered_set<std::string_view> seen;
  for (const std::string_view value : values) {
    if (value.empty()) continue;
    const bool again = values.size() > kPairs
                           ? !seen.insert(value).second
                           : std::any_of(terms.begin() + static_cast<ptrdiff_t>(since), terms.end(),
                                         [value](const Term& term) { return term.value == value; });
    if (!again) terms.push_back(Term{field, {}, value});
  }
}

void TermExtractor::Impl::collect_event(JsonValue event) {
  JsonValue tag_list;
  for (JsonValue name = event.first(); name;) {
    const JsonValue value = name.next();
    const std::string_view key = text(name);
    if (is_name(key, "tags")) {
      tag_list = value;
    } else {
      collect_event_member(key, value);
    }
    name = value.next();
  }
  // Last, because a tag only stands in for an attribute that the event itself does not have.
  if (tag_list) collect_tags(tag_list);
}

void TermExtractor::Impl::collect_event_member(std::string_view name, JsonValue value) {
  if (is_name(name, "platform")) return set(field::kPlatform, scalar(value));
  if (is_name(name, "environment")) return set(field::kEnvironment, scalar(value));
  if (is_name(name, "release")) return set(field::kRelease, scalar(value));
  if (is_name(name, "dist")) return set(field::kDist, scalar(value));
  if (is_name(name, "transaction")) return set(field::kTransaction, scalar(value));
  if (is_name(name, "logger")) return set(field::kLogger, scalar(value));
  if (is_name(name, "server_name")) return set(field::kServerName, scalar(value));
  if (is_name(name, "user")) return collect_user(value);
  if (is_name(name, "exception")) {
    deeper.exception = value;
    return collect_exceptions(value);
  }
  if (is_name(name, "message")) return set_default(field::kMessage, scalar(value));
  if (is_name(name, "trace_id")) return set_default(field::kTrace, scalar(value));
  if (is_name(name, "logentry")) {
    const std::string_view formatted = member(value, "formatted");
    const std::string_view message = formatted.empty() ? member(value, "message") : formatted;
    if (!message.empty()) set(field::kMessage, message);
  } else if (is_name(name, "contexts")) {
    if (value.kind() != JsonKind::Object) return;
    deeper.contexts = value;
    const std::string_view trace = member(find_member(value, "trace"), "trace_id");
    if (!trace.empty()) set(field::kTrace, trace);
  } else if (is_name(name, "request")) {
    set(field::kUrl, member(value, "url"));
    set(field::kHttpMethod, member(value, "method"));
    deeper.headers = TermTexts::child(value, "headers");
  } else if (is_name(name, "sdk")) {
    set(field::kSdkName, member(value, "name"));
    set(field::kSdkVersion, member(value, "version"));
  } else if (is_name(name, "threads")) {
    deeper.threads = value;
  } else if (is_name(name, "stacktrace")) {
    deeper.stacktrace = value;
  } else if (is_name(name, "location")) {
    deeper.location = value;
  }
}

void TermExtractor::Impl::collect_user(JsonValue user) {
  const std::string_view id = member(user, "id");
  const std::string_view username = member(user, "username");
  const std::string_view email = member(user, "email");
  const std::string_view ip = member(user, "ip_address");
  set(field::kUserUsername, username);
  set(field::kUserEmail, email);
  set(field::kUserIp, ip);
  deeper.geo = TermTexts::child(user, "geo");
  if (!id.empty()) return set(field::kUser, joined("id:", id));
  if (!username.empty()) return set(field::kUser, joined("username:", username));
  if (!email.empty()) return set(field::kUser, joined("email:", email));
  if (!ip.empty()) set(field::kUser, joined("ip:", ip));
}

// {"values": [..]}, a bare list, or one bare exception.
void TermExtractor::Impl::collect_exceptions(JsonValue exception) {
  if (exception.kind() == JsonKind::Object) {
    const JsonValue values = find_member(exception, "values");
    if (!values) return error_types.push_back(member(exception, "type"));
    exception = values;
  }
  if (exception.kind() != JsonKind::Array) return;
  for (JsonValue entry = exception.first(); entry; entry = entry.next())
    error_types.push_back(member(entry, "type"));
}

void TermExtractor::Impl::collect_tags(JsonValue list) {
  if (list.kind() == JsonKind::Object) {
    for (JsonValue name = list.first(); name; name = name.next().next())
      collect_tag(name, name.next());
  } else if (list.kind() == JsonKind::Array) {
    for (JsonValue pair = list.first(); pair; pair = pair.next()) {
      const JsonValue name = pair.kind() == JsonKind::Array ? pair.first() : JsonValue{};
      if (name && name.kind() == JsonKind::String && name.next()) collect_tag(name, name.next());
    }
  }
  const auto value_of = [this](std::string_view name) {
    for (const Term& term : tags)
      if (term.tag == name) return term.value;
    return std::string_view();
  };
  for (const FieldId field : {field::kEnvironment, field::kRelease, field::kDist,
                              field::kTransaction, field::kLogger, field::kServerName, field::kUrl})
    if (single[raw(field)].empty()) set(field, value_of(builtin_fields()[raw(field) - 1u].name));
}

void TermExtractor::Impl::collect_tag(JsonValue name, JsonValue value) {
  if (tags.size() == kMaxTags) return;
  const std::string_view tag = text(name);
  const std::string_view content = scalar(value);
  if (tag.empty() || tag.size() > kMaxTagKeyBytes || content.empty()) return;
  const auto same = [&](const Term& term) { return term.tag == tag && term.value == content; };
  if (std::any_of(tags.begin(), tags.end(), same)) return;
  tags.push_back(Term{FieldId{0}, tag, content});
}

TermExtractor::TermExtractor() : impl_(std::make_unique<Impl>()) {}
TermExtractor::~TermExtractor() = default;

const std::vector<Term>& TermExtractor::extract(const Occurrence& occurrence) {
  impl_->extract(occurrence, impl_->parse_event(occurrence.event));
  return impl_->terms;
}

void TermExtractor::extract(const Occurrence& occurrence, TermBatch& batch) {
  extract(occurrence, impl_->parse_event(occurrence.event), batch);
}

void TermExtractor::extract(const Occurrence& occurrence, const JsonValue& event,
                            TermBatch& batch) {
  impl_->extract(occurrence, event);
  for (const Term& term : impl_->terms) batch.add(term);
  batch.end();
}

std::optional<std::string_view> TermExtractor::find(const Occurrence& occurrence, FieldId field) {
  impl_->extract(occurrence, impl_->parse_event(occurrence.event), field);
  for (const Term& term : impl_->terms) {
    if (term.id == field) return term.value;
  }
  return std::nullopt;
}

std::optional<std::string> find_term(const Occurrence& occurrence, FieldId field) {
  // One for each thread: it keeps a parser, which is dear to make.
  thread_local TermExtractor extractor;
  const auto found = extractor.find(occurrence, field);
  return found ? std::optional<std::string>(*found) : std::nullopt;
}

}  // namespace cairn::model
