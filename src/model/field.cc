#include "model/field.h"

namespace cairn::model {

const std::vector<BuiltinField>& builtin_fields() {
  static const std::vector<BuiltinField> fields = {
      {field::kLevel, "level"},
      {field::kPlatform, "platform"},
      {field::kEnvironment, "environment"},
      {field::kRelease, "release"},
      {field::kDist, "dist"},
      {field::kTransaction, "transaction"},
      {field::kLogger, "logger"},
      {field::kServerName, "server_name"},
      {field::kUrl, "url"},
      {field::kUser, "user"},
      {field::kUserEmail, "user.email"},
      {field::kUserUsername, "user.username"},
      {field::kUserIp, "user.ip"},
      {field::kHttpMethod, "http.method"},
      {field::kTrace, "trace"},
      {field::kSdkName, "sdk.name"},
      {field::kSdkVersion, "sdk.version"},
      {field::kErrorType, "error.type"},
      {field::kFingerprint, "fingerprint"},
      {field::kCulprit, "culprit"},
      {field::kTitle, "title"},
      {field::kSubtitle, "subtitle"},
      {field::kMessage, "message"},
      {field::kType, "issue.type"},
      {field::kFingerprint2, "fingerprint[2]"},
      {FieldId{26}, "fingerprint[3]"},
      {FieldId{27}, "fingerprint[4]"},
      {field::kFingerprint5, "fingerprint[5]"},
      {field::kErrorValue, "error.value"},
      {field::kErrorMechanism, "error.mechanism"},
      {field::kErrorHandled, "error.handled"},
      {field::kErrorUnhandled, "error.unhandled"},
      {field::kErrorMainThread, "error.main_thread"},
      {field::kStackFilename, "stack.filename"},
      {field::kStackFunction, "stack.function"},
      {field::kStackModule, "stack.module"},
      {field::kStackPackage, "stack.package"},
      {field::kStackAbsPath, "stack.abs_path"},
      {field::kStackLineno, "stack.lineno"},
      {field::kStackTop, "stack.top"},
      {field::kLocation, "location"},
      {field::kHttpReferer, "http.referer"},
      {field::kEvidence, "evidence"},
  };
  return fields;
}

}  // namespace cairn::model
