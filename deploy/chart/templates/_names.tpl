{{/* Names, labels and small decisions that several templates share. */}}

{{- define "mock.chartName" -}}
{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/* At most 50 characters, so that "-load-12" and "-valkey" still fit into 63. */}}
{{- define "mock.name" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "mock.chartName" .) .Release.Name -}}
{{ .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name (include "mock.chartName" .) | trunc 50 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- define "mock.selectorLabels" -}}
app.kubernetes.io/name: {{ include "mock.chartName" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "mock.labels" -}}
{{ include "mock.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "mock.image" -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end }}

{{- define "mock.baseUrl" -}}
http://{{ include "mock.name" . }}.{{ .Release.Namespace }}:{{ .Values.service.port }}/v1
{{- end }}

{{- define "mock.configMap" -}}
{{- if .Values.existingConfigMap -}}
{{ .Values.existingConfigMap }}
{{- else if .Values.scenario -}}
{{ include "mock.name" . }}-scenario
{{- end -}}
{{- end }}

{{- define "mock.controlSecret" -}}
{{ default (printf "%s-control" (include "mock.name" .)) .Values.control.existingSecret }}
{{- end }}

{{- define "mock.valkeySecret" -}}
{{ default (printf "%s-valkey" (include "mock.name" .)) .Values.state.valkey.existingSecret }}
{{- end }}

{{/* With --no-control, only /health is left. */}}
{{- define "mock.health" -}}
{{ if .Values.control.enabled }}/_mock{{ end }}/health{{ if .Values.control.enabled }}/{{ .kind }}{{ end }}
{{- end }}

{{/* The seconds for which the engine refuses all requests after its start, rounded up. */}}
{{- define "mock.startUp" -}}
{{ regexFind "start_up=[0-9.]+" .Values.engine | trimPrefix "start_up=" | default "0" | float64 | ceil | int }}
{{- end }}

{{/* What every pod may do: nothing but run. */}}
{{- define "mock.podSecurity" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "mock.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{/* The variables of a client of this release, in a pod of ours. */}}
{{- define "mock.clientEnv" -}}
- name: OPENAI_BASE_URL
  value: {{ include "mock.baseUrl" . }}
- name: OPENAI_API_KEY
{{- if .Values.apiKey.existingSecret }}
  valueFrom:
    secretKeyRef:
      name: {{ .Values.apiKey.existingSecret }}
      key: {{ .Values.apiKey.key }}
{{- else }}
  value: any
{{- end }}
{{- end }}
