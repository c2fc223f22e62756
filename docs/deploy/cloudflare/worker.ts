export { default, PlayCounter } from "playcount/durable-object";
