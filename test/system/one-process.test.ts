import { startPlatform } from "../support/platform.js";
import { describeJudgedPlatform } from "./judged-platform.js";

describeJudgedPlatform("the platform in one process", () => startPlatform());
