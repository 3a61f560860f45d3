#include "model/json_tree.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <string>

#include "model/json_scalar.h"

namespace cairn::model {
namespace {

namespace ondemand = simdjson::ondemand;

// Buffers grown by a text beyond this are given back before the next smaller one: simdjson needs
// about six times the text.
constexpr size_t kKeptBytes = 1u << 20;

// Rounded up, so that slowly growing lines do not allocate each time; large ones get what they
// need.
size_t rounded(size_t bytes) {
  return bytes > kKeptBytes ? bytes : std::bit_ceil(std::max<size_t>(bytes, 4096));
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trim_end(std::string_view text) {
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// At most 40 bytes of a token for a message; never cuts a UTF-8 character.
std::string excerpt(std::string_view token) {
  if (token.size() <= 40) return std::string(token);
  size_t end = 37;
  while (end > 0 && (static_cast<unsigned char>(token[end]) & 0xC0) == 0x80) --end;
  return std::string(token.substr(0, end)) + "...";
}

std::optional<uint32_t> first_bad_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const size_t length = lead < 0x80 ? 1 : lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    if (length > text.size() - at || !simdjson::validate_utf8(text.data() + at, length))
      return static_cast<uint32_t>(at);
    at += length;
  }
  return std::nullopt;
}

Error invalid(std::string what, std::optional<uint32_t> position) {
  std::string message = "invalid JSON: " + std::move(what);
  if (position) message += fmt::format(" at byte {}", *position);
  return Error{ErrorCode::InvalidArgument, std::move(message), position};
}

std::string_view describe(simdjson::error_code code) {
  switch (code) {
    case simdjson::UNCLOSED_STRING:
      return "a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "a control character inside a string is not escaped";
    case simdjson::EMPTY:
      return "nothing there";
    case simdjson::INCOMPLETE_ARRAY_OR_OBJECT:
      return "an object or array is not closed";
    case simdjson::INCORRECT_TYPE:
      return "expected an object";
    case simdjson::MEMALLOC:
      return "out of memory while reading";
    default:
      return "a comma, colon, bracket, name or value is missing or misplaced";
  }
}

}  // namespace

std::string_view json_kind_name(JsonKind kind) {
  switch (kind) {
    case JsonKind::Null:
      return "null";
    case JsonKind::Boolean:
      return "a boolean";
    case JsonKind::Number:
      return "a number";
    case JsonKind::String:
      return "a string";
    case JsonKind::Array:
      return "an array";
    case JsonKind::Object:
      return "an object";
  }
  return "";
}

struct JsonTree::Parser {
  ondemand::parser simd;
};

// Walks every token once. simdjson finds the tokens and checks their order, UTF-8 and control
// characters; on-demand looks into a scalar only when it is converted, so scalars are checked
// here.
class JsonTree::Walker {
 public:
  Walker(std::vector<Node>& nodes, const char* base, size_t size, ondemand::document& document,
         int keep_depth, int max_depth)
      : nodes_(nodes),
        base_(base),
        size_(size),
        document_(document),
        keep_depth_(keep_depth),
        max_depth_(max_depth) {}

  bool root() {
    ondemand::object object;
    if (const auto error = document_.get_object().get(object)) return fail(error);
    const uint32_t node = begin_node(JsonKind::Object, static_cast<uint32_t>(first_byte()), 0);
    if (!members(object, 0)) return false;
    // Anything after the root would be the next token.
    if (!document_.current_location().error())
      return fail("text after the end of the object", location());
    end_container(node);
    return true;
  }

  Error take_error() { return std::move(error_); }

 private:
  bool value(ondemand::value value, int depth) {
    const std::string_view token = trim_end(value.raw_json_token());
    switch (token.empty() ? '\0' : token.front()) {
      case '{':
        return object(value, offset(token), depth);
      case '[':
        return array(value, offset(token), depth);
      case '"': {
        // Taking it moves on; a skipped string before a colon would pass for a member name.
        ondemand::raw_json_string taken;
        if (const auto error = value.get_raw_json_string().get(taken)) return fail(error);
        return string(token, depth);
      }
      case 't':
      case 'f':
        return literal(token, token == "true" || token == "false", JsonKind::Boolean, depth);
      case 'n':
        return literal(token, token == "null", JsonKind::Null, depth);
      default:
        return literal(token, is_json_number(token), JsonKind::Number, depth);
    }
  }

  bool object(ondemand::value& value, uint32_t begin, int depth) {
    if (depth >= max_depth_) return fail_depth(begin);
    ondemand::object object;
    if (const auto error = value.get_object().get(object)) return fail(error);
    const uint32_t node = begin_node(JsonKind::Object, begin, depth);
    if (!members(object, depth)) return false;
    end_container(node);
    return true;
  }

  bool array(ondemand::value& value, uint32_t begin, int depth) {
    if (depth >= max_depth_) return fail_depth(begin);
    ondemand::array array;
    if (const auto error = value.get_array().get(array)) return fail(error);
    const uint32_t node = begin_node(JsonKind::Array, begin, depth);
    for (auto element : array) {
      ondemand::value child;
      if (const auto error = std::move(element).get(child)) return fail(error);
      if (!this->value(child, depth + 1)) return false;
    }
    end_container(node);
    return true;
  }

  bool members(ondemand::object& object, int depth) {
    for (auto member : object) {
      ondemand::field field;
      if (const auto error = std::move(member).get(field)) return fail(error);
      if (!string(name_token(field.key().raw()), depth + 1)) return false;
      if (!value(field.value(), depth + 1)) return false;
    }
    return true;
  }

  // `first` points after the opening quote; that there is a closing one is known by now.
  static std::string_view name_token(const char* first) {
    const char* p = first;
    while (*p != '"') p += *p == '\\' ? 2 : 1;
    return {first - 1, static_cast<size_t>(p + 1 - (first - 1))};
  }

  bool string(std::string_view token, int depth) {
    if (token.size() < 2 || token.back() != '"')
      return fail("a string is not closed", offset(token));
    const std::string_view content = token.substr(1, token.size() - 2);
    const bool escaped = std::memchr(content.data(), '\\', content.size()) != nullptr;
    if (escaped) {
      const size_t bad = find_bad_escape(content);
      if (bad != std::string_view::npos)
        return fail(fmt::format("unknown escape {}", excerpt(content.substr(bad, 6))),
                    offset(token) + 1 + static_cast<uint32_t>(bad));
    }
    add_scalar(token, JsonKind::String, escaped, depth);
    return true;
  }

  bool literal(std::string_view token, bool good, JsonKind kind, int depth) {
    if (!good) return fail(fmt::format("'{}' is not a value", excerpt(token)), offset(token));
    add_scalar(token, kind, false, depth);
    return true;
  }

  void add_scalar(std::string_view token, JsonKind kind, bool escaped, int depth) {
    if (depth > keep_depth_) return;
    const uint32_t begin = offset(token);
    nodes_.push_back(Node{begin, begin + static_cast<uint32_t>(token.size()),
                          static_cast<uint32_t>(nodes_.size()) + 1, kind, escaped});
  }

  static constexpr uint32_t kNoNode = ~0u;

  uint32_t begin_node(JsonKind kind, uint32_t begin, int depth) {
    if (depth > keep_depth_) return kNoNode;
    nodes_.push_back(Node{begin, begin, 0, kind, false});
    return static_cast<uint32_t>(nodes_.size() - 1);
  }

  void end_container(uint32_t node) {
    if (node == kNoNode) return;
    const char* next = base_ + size_;
    if (const auto here = document_.current_location(); !here.error()) next = here.value_unsafe();
    const std::string_view upto =
        trim_end({base_, static_cast<size_t>(next - base_)});  // blanks before the next token
    nodes_[node].end = static_cast<uint32_t>(upto.size());
    nodes_[node].next = static_cast<uint32_t>(nodes_.size());
  }

  size_t first_byte() const {
    size_t at = 0;
    while (is_blank(base_[at])) ++at;
    return at;
  }

  uint32_t offset(std::string_view token) const {
    return static_cast<uint32_t>(token.data() - base_);
  }

  std::optional<uint32_t> location() {
    const auto here = document_.current_location();
    if (here.error()) return std::nullopt;
    const auto at = static_cast<size_t>(here.value_unsafe() - base_);
    return at < size_ ? std::optional(static_cast<uint32_t>(at)) : std::nullopt;
  }

  bool fail(simdjson::error_code code) { return fail(std::string(describe(code)), location()); }
  bool fail(std::string what, std::optional<uint32_t> position) {
    error_ = invalid(std::move(what), position);
    return false;
  }
  bool fail_depth(uint32_t position) {
    return fail(fmt::format("nested deeper than {} levels", max_depth_), position);
  }

  std::vector<Node>& nodes_;
  const char* base_;
  size_t size_;
  ondemand::document& document_;
  int keep_depth_;
  int max_depth_;
  Error error_;
};

JsonTree::JsonTree() : parser_(std::make_unique<Parser>()) {}
JsonTree::~JsonTree() = default;

void JsonTree::reserve(size_t bytes) {
  if (text_.size() > kKeptBytes && bytes <= kKeptBytes) {
    parser_ = std::make_unique<Parser>();
    text_ = {};
    nodes_ = {};
  }
  const size_t room = rounded(bytes + simdjson::SIMDJSON_PADDING);
  if (text_.size() < room) text_.resize(room);
}

Result<void> JsonTree::parse(std::string_view text, int keep_depth, int max_depth) {
  reserve(text.size());
  if (!text.empty()) std::memcpy(text_.data(), text.data(), text.size());
  std::memset(text_.data() + text.size(), 0, simdjson::SIMDJSON_PADDING);
  nodes_.clear();

  auto& simd = parser_->simd;
  if (simd.capacity() < text.size()) {
    if (const auto error = simd.allocate(rounded(text.size())))
      return invalid(std::string(describe(error)), std::nullopt);
  }
  ondemand::document document;
  const auto error = simd.iterate(text_.data(), text.size(), text_.size()).get(document);
  if (error == simdjson::UTF8_ERROR)
    return invalid("the text is not valid UTF-8", first_bad_utf8(text));
  if (error) return invalid(std::string(describe(error)), std::nullopt);

  Walker walker(nodes_, text_.data(), text.size(), document, keep_depth, max_depth);
  if (!walker.root()) return walker.take_error();
  return {};
}

}  // namespace cairn::model
