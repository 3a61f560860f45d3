#include "model/json_tree.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <optional>
#include <span>
#include <string>

#include "model/json_scalar.h"

namespace cairn::model {
namespace {

// Buffers grown by a text beyond this are given back before the next smaller one: simdjson needs
// about six times the text.
constexpr size_t kKeptBytes = 1u << 20;

// Rounded up, so that slowly growing lines do not allocate each time; large ones get what they
// need.
size_t rounded(size_t bytes) {
  return bytes > kKeptBytes ? bytes : std::bit_ceil(std::max<size_t>(bytes, 4096));
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

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
    case simdjson::MEMALLOC:
      return "out of memory while reading";
    default:
      return "the text cannot be read";
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

// Finds where tokens begin, with SIMD: the first stage of simdjson's parser. It also checks UTF-8,
// control characters in strings, and that the last string is closed.
struct JsonTree::Parser {
  std::unique_ptr<simdjson::internal::dom_parser_implementation> tokens;

  simdjson::error_code allocate(size_t bytes) {
    if (tokens && tokens->capacity() >= bytes) return simdjson::SUCCESS;
    // Its own stack is for the second stage, which is not used.
    constexpr size_t kNoStack = 1;
    const size_t capacity = rounded(bytes);
    return simdjson::get_active_implementation()->create_dom_parser_implementation(
        capacity, kNoStack, tokens);
  }
};

// Walks every token once, in the order of the grammar, and checks each. A token reaches to the
// next one, but for blanks between them.
class JsonTree::Walker {
 public:
  Walker(std::vector<Node>& nodes, const char* base, size_t size, std::span<const uint32_t> tokens,
         int keep_depth, int max_depth)
      : nodes_(nodes),
        base_(base),
        size_(static_cast<uint32_t>(size)),
        next_(tokens.data()),
        end_(tokens.data() + tokens.size()),
        keep_depth_(keep_depth),
        max_depth_(max_depth),
        escapes_(std::memchr(base, '\\', size) != nullptr) {}

  bool root() {
    if (first() != '{') return fail("expected an object", *next_);
    if (!object(0)) return false;
    return next_ == end_ || fail("text after the end of the object", *next_);
  }

  Error take_error() { return std::move(error_); }

 private:
  // Of the next token; NUL when there is none.
  char first() const { return next_ == end_ ? '\0' : base_[*next_]; }

  std::string_view token() const {
    const uint32_t begin = *next_;
    uint32_t end = next_ + 1 == end_ ? size_ : next_[1];
    while (is_blank(base_[end - 1])) --end;
    return {base_ + begin, end - begin};
  }

  bool value(int depth) {
    switch (first()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return string(depth);
      case '}':
      case ']':
      case ':':
      case ',':
        return misplaced();
      default:
        return next_ == end_ ? misplaced() : literal(depth);
    }
  }

  bool object(int depth) {
    if (depth >= max_depth_) return fail_depth();
    const uint32_t node = begin_node(JsonKind::Object, depth);
    if (first() == '}') return end_node(node);
    while (true) {
      if (first() != '"') return misplaced();
      if (!string(depth + 1)) return false;
      if (first() != ':') return misplaced();
      ++next_;
      if (!value(depth + 1)) return false;
      if (first() == '}') return end_node(node);
      if (first() != ',') return misplaced();
      ++next_;
    }
  }

  bool array(int depth) {
    if (depth >= max_depth_) return fail_depth();
    const uint32_t node = begin_node(JsonKind::Array, depth);
    if (first() == ']') return end_node(node);
    while (true) {
      if (!value(depth + 1)) return false;
      if (first() == ']') return end_node(node);
      if (first() != ',') return misplaced();
      ++next_;
    }
  }

  bool string(int depth) {
    const std::string_view text = token();
    if (text.size() < 2 || text.back() != '"') return fail("a string is not closed", *next_);
    const std::string_view content = text.substr(1, text.size() - 2);
    const bool escaped = escapes_ && std::memchr(content.data(), '\\', content.size()) != nullptr;
    if (escaped) {
      const size_t bad = find_bad_escape(content);
      if (bad != std::string_view::npos)
        return fail(fmt::format("unknown escape {}", excerpt(content.substr(bad, 6))),
                    *next_ + 1 + static_cast<uint32_t>(bad));
    }
    return scalar(text, JsonKind::String, escaped, depth);
  }

  bool literal(int depth) {
    const std::string_view text = token();
    JsonKind kind = JsonKind::Number;
    bool good = false;
    switch (text.front()) {
      case 't':
      case 'f':
        kind = JsonKind::Boolean;
        good = text == "true" || text == "false";
        break;
      case 'n':
        kind = JsonKind::Null;
        good = text == "null";
        break;
      default:
        good = is_json_number(text);
    }
    if (!good) return fail(fmt::format("'{}' is not a value", excerpt(text)), *next_);
    return scalar(text, kind, false, depth);
  }

  bool scalar(std::string_view text, JsonKind kind, bool escaped, int depth) {
    if (depth <= keep_depth_) {
      nodes_.push_back(Node{*next_, *next_ + static_cast<uint32_t>(text.size()),
                            static_cast<uint32_t>(nodes_.size()) + 1, kind, escaped});
    }
    ++next_;
    return true;
  }

  static constexpr uint32_t kNoNode = ~0u;

  uint32_t begin_node(JsonKind kind, int depth) {
    const uint32_t begin = *next_++;
    if (depth > keep_depth_) return kNoNode;
    nodes_.push_back(Node{begin, begin, 0, kind, false});
    return static_cast<uint32_t>(nodes_.size() - 1);
  }

  bool end_node(uint32_t node) {
    const uint32_t end = *next_++ + 1;
    if (node == kNoNode) return true;
    nodes_[node].end = end;
    nodes_[node].next = static_cast<uint32_t>(nodes_.size());
    return true;
  }

  bool misplaced() {
    if (next_ == end_) return fail("an object or array is not closed", size_);
    return fail("a comma, colon, bracket, name or value is missing or misplaced", *next_);
  }
  bool fail_depth() {
    return fail(fmt::format("nested deeper than {} levels", max_depth_), *next_);
  }
  bool fail(std::string what, uint32_t position) {
    error_ = invalid(std::move(what), position);
    return false;
  }

  std::vector<Node>& nodes_;
  const char* base_;
  uint32_t size_;
  const uint32_t* next_;
  const uint32_t* end_;
  int keep_depth_;
  int max_depth_;
  bool escapes_;  // anywhere in the text
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

  if (const auto error = parser_->allocate(text.size()))
    return invalid(std::string(describe(error)), std::nullopt);
  auto& tokens = *parser_->tokens;
  const auto error = tokens.stage1(reinterpret_cast<const uint8_t*>(text_.data()), text.size(),
                                   simdjson::stage1_mode::regular);
  if (error == simdjson::UTF8_ERROR)
    return invalid("the text is not valid UTF-8", first_bad_utf8(text));
  if (error) return invalid(std::string(describe(error)), std::nullopt);

  Walker walker(nodes_, text_.data(), text.size(),
                {tokens.structural_indexes.get(), tokens.n_structural_indexes}, keep_depth,
                max_depth);
  if (!walker.root()) return walker.take_error();
  return {};
}

}  // namespace cairn::model
