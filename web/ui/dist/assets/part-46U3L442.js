import{a as X}from"./part-PCHYMAUF.js";import{c as ee}from"./part-KRQZC76I.js";import{A as U,n as Z,o as q,r as E,s as W,x as A}from"./part-IZMKATDS.js";import{a as D,c as I,d as N}from"./part-PWCCSJNW.js";import{a as s,b as c,d as M,f as J,g as K,h as V,i as G,j as p,k as P,l as Y,m as Q}from"./part-RIRFS6HY.js";import{h as w}from"./part-NOEROMEE.js";import{B as C,E as S,c as u,j as x,o as y,p as T,y as j,z as L}from"./part-IAWYZLG6.js";var h=["mon","tue","wed","thu","fri","sat","sun"],k={mon:"Monday",tue:"Tuesday",wed:"Wednesday",thu:"Thursday",fri:"Friday",sat:"Saturday",sun:"Sunday"},_=e=>e==="scheduled"||e==="scheduled_event",z=e=>e==="event"||e==="scheduled_event",R=e=>{let t=/^(\d{1,2}):(\d\d)$/.exec(e.trim()),a=t?Number(t[1])*60+Number(t[2]):NaN;return t&&Number(t[2])<60&&a<=1440?a:NaN};function te(e){let t=R(e.to)<=R(e.from);return`${fe(e.days)}, ${e.from} to ${e.to}${t?" of the next day":""}`}function fe(e){let t=h.filter(o=>e.includes(o));if(t.length===7)return"every day";if(!t.length)return"no day";let a=o=>k[o].slice(0,3),r=h.indexOf(t[0]);return t.length>2&&t.every((o,d)=>h.indexOf(o)===r+d)?`${a(t[0])} to ${a(t[t.length-1])}`:t.map(a).join(", ")}function re(e){let t={};if(!e.record)return t;_(e.mode)&&(e.schedule.length||(t.schedule="Add a window, or choose another way to record."),e.schedule.forEach((r,n)=>{r.days.length?(!Number.isFinite(R(r.from))||R(r.from)===1440||!Number.isFinite(R(r.to)))&&(t.schedule=`Window ${n+1}: write times as 06:30, up to 24:00.`):t.schedule=`Window ${n+1} has no day.`}));let a=(r,n,o)=>/^\d+$/.test(r.trim())&&Number(r)>=n&&Number(r)<=o;return z(e.mode)&&(a(e.preroll,1,60)||(t.preroll_s="Enter a number from 1 to 60."),a(e.postroll,5,600)||(t.postroll_s="Enter a number from 5 to 600.")),t}function oe(e){return{name:e?.name??"",way:e&&!e.vendor?"urls":"vendor",vendor:e?.vendor??"",address:e?.address??"",main:e&&!e.vendor?e.main_url??"":"",sub:e&&!e.vendor?e.sub_url??"":"",user:e?.username??"",pass:"",record:e?.record??!0,audio:e?.audio??!0,volume:e?.volume??"",mirror:e?.mirror??"",mode:e?.record_mode??"continuous",schedule:e?.schedule??[],preroll:String(e?.preroll_s||10),postroll:String(e?.postroll_s||30)}}var ae=e=>/^\s*\d+\s*$/.test(e)?Number(e):void 0,he={record_mode:"continuous",schedule:[],preroll_s:10,postroll_s:30},se=e=>({name:e.name.trim(),vendor:e.way==="vendor"?e.vendor:"",address:e.way==="vendor"?e.address.trim():"",main_url:e.way==="urls"?e.main.trim():"",sub_url:e.way==="urls"?e.sub.trim():"",username:e.user,record:e.record,audio:e.audio,volume:e.volume,mirror:e.mirror,record_mode:e.mode,schedule:_(e.mode)?e.schedule:void 0,preroll_s:ae(e.preroll),postroll_s:ae(e.postroll)});function O(e,t){let a=t?se(t):he,r={};for(let[n,o]of Object.entries(se(e)))o!==void 0&&JSON.stringify(o)!==JSON.stringify(a[n]??"")&&(r[n]=o);return e.pass&&(r.password=e.pass),r}var ne=[["continuous","All the time",""],["scheduled","By a schedule","Nothing is recorded outside of these windows."],["event","When something happens","An event of a zone or a worker, or somebody at the panel, begins a recording."],["scheduled_event","By a schedule, and when something happens","All of these windows, and what happens between them."]];function de({v:e,onChange:t,errors:a}){if(!e.record)return null;let r=ne.find(([o])=>o===e.mode)?.[2],n=o=>{let d=o.target.value;t({mode:d,..._(d)&&!e.schedule.length&&{schedule:[{days:[...h],from:"22:00",to:"06:00"}]}})};return s`
    <div class="field ${a.record_mode?"field-bad":""}"><label for="record_mode">When</label>
      <div class="field-box"><select id="record_mode" value=${e.mode} onChange=${n} data-testid="camera-mode" aria-describedby=${[a.record_mode&&"record_mode-error",r&&"record_mode-hint"].filter(Boolean).join(" ")||void 0}>
        ${ne.map(([o,d])=>s`<option key=${o} value=${o} selected=${o===e.mode}>${d}</option>`)}</select></div>
      ${a.record_mode&&s`<p class="field-error" id="record_mode-error"><${c} name="warn" size=${16} />${a.record_mode}</p>`}
      ${r&&s`<p class="field-hint" id="record_mode-hint">${r}</p>`}</div>
    ${_(e.mode)&&s`<${be} list=${e.schedule} error=${a.schedule} onChange=${o=>t({schedule:o})} />`}
    ${z(e.mode)&&s`<div class="pair">
      <${p} id="preroll_s" label="Seconds before it" value=${e.preroll} onInput=${o=>t({preroll:o})} error=${a.preroll_s} inputmode="numeric" testid="camera-preroll" hint="1 to 60, kept in memory." />
      <${p} id="postroll_s" label="Seconds after it" value=${e.postroll} onInput=${o=>t({postroll:o})} error=${a.postroll_s} inputmode="numeric" testid="camera-postroll" hint="5 to 600; anew with all that happens meanwhile." />
    </div>`}`}function be({list:e,error:t,onChange:a}){let r=(d,i)=>a(e.map((l,m)=>m===d?{...l,...i}:l)),n=(d,i,l)=>r(d,{days:h.filter(m=>m===i?l:e[d].days.includes(m))}),o=(d,i)=>s`<input class="time" value=${e[d][i]} size=${5} maxlength=${5} placeholder="22:00" aria-label="Window ${d+1}, ${i}" data-testid="window-${i}-${d}"
    onInput=${l=>r(d,{[i]:l.target.value.trim()})} />`;return s`<div class="schedule ${t?"field-bad":""}">
    <div class="table-box"><table class="table" data-testid="schedule"><caption class="sr">Weekly windows, in the recorder's time zone</caption>
      <thead><tr><th scope="col"><span class="sr">Window</span></th>${h.map(d=>s`<th scope="col" key=${d}><abbr title=${k[d]}>${k[d].slice(0,2)}</abbr></th>`)}<th scope="col">From</th><th scope="col">To</th><th scope="col"><span class="sr">Remove</span></th></tr></thead>
      <tbody>${e.map((d,i)=>s`<tr key=${i}><th scope="row"><span class="sr">Window</span> ${i+1}</th>
        ${h.map(l=>s`<td key=${l} data-label=${k[l].slice(0,2)}><label class="tick"><input type="checkbox" checked=${d.days.includes(l)} onChange=${m=>n(i,l,m.target.checked)} data-testid="window-${l}-${i}" aria-label="Window ${i+1}, ${k[l]}" /></label></td>`)}
        <td class="at" data-label="From">${o(i,"from")}</td><td class="at" data-label="To">${o(i,"to")}</td>
        <td><button type="button" class="ib" aria-label="Remove window ${i+1}" onClick=${()=>a(e.filter((l,m)=>m!==i))}><${c} name="trash" /></button></td></tr>`)}</tbody></table></div>
    <p class="field-hint">${e.map(d=>te(d)).join("; ")||"No window yet."}</p>
    <div role="status">${t&&s`<p class="field-error" id="schedule" tabIndex=${-1}><${c} name="warn" size=${16} />${t}</p>`}</div>
    <p><button type="button" class="button small" disabled=${e.length>=64} onClick=${()=>a([...e,{days:[...h],from:"08:00",to:"18:00"}])} data-testid="window-add">Add a window</button></p>
  </div>`}var ve=[{value:"hikvision",label:"Hikvision"},{value:"dahua",label:"Dahua"},{value:"reolink",label:"Reolink"},{value:"axis",label:"Axis"},{value:"amcrest",label:"Amcrest"},{value:"tapo",label:"Tapo"}];function ge(e){let t={};return e.name.trim()||(t.name="Give the camera a name."),e.way==="vendor"?(e.vendor||(t.vendor="Choose the maker, or give the stream addresses."),e.address.trim()||(t.address="Enter the camera’s address.")):/^rtsps?:\/\/./i.test(e.main.trim())||(t.main_url="Enter an address that begins with rtsp:// or rtsps://"),{...t,...re(e)}}function B({camera:e}){let[t,a]=u(()=>oe(e)),[r,n]=u(t),[o,d]=u({}),[i,l]=u(!1),[m,ue]=u(null),$=f=>b=>n(v=>({...v,[f]:b})),pe=async f=>{f.preventDefault();let b=ge(r);if(d(b),Object.keys(b).length)return le(Object.keys(b)[0]);l(!0);try{let v=e??m,g=v?await w.change(v.id,O(r,t)):await w.add(O(r));g?.id&&(y.value=x(y.value,{v:1,t:"camera",d:g},Date.now())),S("good",v?`${r.name.trim()} was saved.`:`${r.name.trim()} was added.`),a({...r,pass:""}),n({...r,pass:""}),e?N("cameras"):ue(g)}catch(v){let g=v;d({[g.field??"form"]:g.message}),le(g.field??"")}finally{l(!1)}},$e=["name","vendor","address","main_url","sub_url","username","password","volume","mirror","record_mode","schedule","preroll_s","postroll_s"],H=Object.entries(o).filter(([f])=>!$e.includes(f)).map(([,f])=>f).join(" ");return s`<main id="main" class="screen narrow">
    <header class="screen-head"><a class="ib" href="#/cameras" aria-label="Back to all cameras"><${c} name="back" /></a>
      <h1 tabIndex=${-1}>${e?`Edit ${e.name}`:"Add a camera"}</h1>
      ${e&&s`<a class="button form-zones" href=${I("cameras",e.id,"","zones")} data-testid="camera-zones"><${c} name="zone" /><span>Zones</span></a>`}</header>
    <form class="form" onSubmit=${pe} noValidate>
      <div role="alert">${H&&s`<p class="form-error"><${c} name="warn" />${H}</p>`}</div>
      <${p} id="name" label="Name" value=${r.name} onInput=${$("name")} error=${o.name} placeholder="Front door" testid="camera-name" />
      <fieldset><legend>Where it is</legend>
        <${G} label="How to find the camera" testid="camera-way" value=${r.way} onPick=${$("way")}
          options=${[{value:"vendor",label:"By maker"},{value:"urls",label:"By stream address"}]} />
        ${r.way==="vendor"?s`<${ye} v=${r} set=${$} errors=${o} />`:s`<${ke} v=${r} set=${$} errors=${o} />`}
      </fieldset>
      <fieldset><legend>How to sign in to it</legend>
        <div class="pair">
          <${p} id="username" label="User name" required=${!1} value=${r.user} onInput=${$("user")} error=${o.username} testid="camera-user" />
          <${p} id="password" label="Password" type="password" required=${!1} value=${r.pass} onInput=${$("pass")} error=${o.password} autocomplete="new-password" testid="camera-pass"
            placeholder=${e?.has_password?"unchanged":""} hint=${e?.has_password?"One is stored. It is never shown; write a new one to replace it.":void 0} />
        </div>
      </fieldset>
      <fieldset><legend>What to keep</legend>
        <${P} id="record" label="Record" hint="Off: live view only." checked=${r.record} onChange=${$("record")} testid="camera-record" />
        <${de} v=${r} errors=${o} onChange=${f=>n(b=>({...b,...f}))} />
        <${we} v=${r} set=${$} errors=${o} />
        <${P} id="audio" label="Sound" hint="Kept as the camera sends it." checked=${r.audio} onChange=${$("audio")} testid="camera-audio" />
      </fieldset>
      <div class="form-foot">
        <button type="submit" class="button primary" disabled=${i||C.value} data-testid="camera-save">${i?"Saving…":e||m?"Save":"Add camera"}</button>
        <a class="button" href="#/cameras">${m?"Done":"Cancel"}</a>
      </div>
    </form>
    ${(m??e)&&s`<section class="card" aria-labelledby="test-h"><h2 id="test-h">Connection</h2>
      <p class="muted">${m?"The camera was added. This is what it answers:":"Tests what is saved, not what is typed above."}</p>
      <${F} key=${m?.id??e.id} id=${m?.id??e.id} auto=${!!m} /></section>`}
  </main>`}function ye({v:e,set:t,errors:a}){return s`<div class="pair">
    <div class="field ${a.vendor?"field-bad":""}"><label for="vendor">Maker</label>
      <div class="field-box"><select id="vendor" value=${e.vendor} data-testid="camera-vendor" aria-invalid=${a.vendor?"true":void 0} aria-describedby=${a.vendor?"vendor-error":void 0}
        onChange=${r=>t("vendor")(r.target.value)}>
        <option value="" selected=${!e.vendor}>Choose…</option>
        ${ve.map(r=>s`<option value=${r.value} key=${r.value} selected=${e.vendor===r.value}>${r.label}</option>`)}
      </select></div>
      ${a.vendor&&s`<p class="field-error" id="vendor-error"><${c} name="warn" size=${16} />${a.vendor}</p>`}
    </div>
    <${p} id="address" label="Address" value=${e.address} onInput=${t("address")} error=${a.address} mono placeholder="192.168.1.64" testid="camera-address"
      hint="IP address or name; with :port if it is not 554." />
  </div>`}function we({v:e,set:t,errors:a}){let r=(y.value.system.volumes??[]).map(n=>n.name??"").filter(Boolean);return r.length<2||!e.record?null:s`<div class="pair">
    <${ie} id="volume" label="Disk" value=${e.volume} onPick=${t("volume")} error=${a.volume} none="Any, by room" names=${r} />
    <${ie} id="mirror" label="Second copy" value=${e.mirror} onPick=${t("mirror")} error=${a.mirror} none="None" names=${r.filter(n=>n!==e.volume)} />
  </div>`}function ie({id:e,label:t,value:a,onPick:r,error:n,none:o,names:d}){return s`<div class="field ${n?"field-bad":""}"><label for=${e}>${t}</label>
    <div class="field-box"><select id=${e} data-testid="camera-${e}" aria-invalid=${n?"true":void 0} aria-describedby=${n?`${e}-error`:void 0}
      onChange=${i=>r(i.target.value)}>
      <option value="" selected=${!a}>${o}</option>
      ${d.map(i=>s`<option value=${i} key=${i} selected=${a===i}>${i}</option>`)}
    </select></div>
    ${n&&s`<p class="field-error" id="${e}-error"><${c} name="warn" size=${16} />${n}</p>`}
  </div>`}function ke({v:e,set:t,errors:a}){return s`<${p} id="main_url" label="Main stream, recorded" value=${e.main} onInput=${t("main")} error=${a.main_url} mono placeholder="rtsp://192.168.1.64:554/stream1" testid="camera-main-url" />
    <${p} id="sub_url" label="Sub stream, for the grid" required=${!1} value=${e.sub} onInput=${t("sub")} error=${a.sub_url} mono placeholder="rtsp://192.168.1.64:554/stream2" testid="camera-sub-url"
      hint="A smaller H.264 picture. It saves the network and shows where H.265 cannot." />`}var le=e=>e&&setTimeout(()=>document.getElementById(e)?.focus());var _e=X(()=>import("./part-QROL5XBZ.js").then(e=>e.ZonesScreen));function ct(){let e=L.value,t=D.value.arg,a=e.find(o=>o.id===t),r=A(T.value?.role),n=U(T.value);return t==="new"&&n?s`<${B} key="new" />`:a&&D.value.part==="zones"?s`<${_e} key=${`${a.id}/zones`} camera=${a} />`:a&&r?s`<${B} key=${a.id} camera=${a} />`:s`<main id="main" class="screen">
    <header class="screen-head"><h1 tabIndex=${-1}>Cameras</h1>
      ${n&&s`<a class="button primary" href="#/cameras/new" data-testid="camera-add"><${c} name="plus" /><span>Add a camera</span></a>`}</header>
    ${e.length===0?s`<${Q} title="No cameras yet"><p>${n?"You need the camera's address on your network, its user name and its password.":"Whoever looks after this recorder adds them, or lets you see them."}</p><//>`:s`<ul class="cams">${e.map(o=>s`<${Re} key=${o.id} c=${o} />`)}</ul>`}
  </main>`}function me(e){return[e.codec&&W(e.codec),e.width&&e.height?`${e.width} × ${e.height}`:"",e.fps?`${Math.round(e.fps*10)/10} fps`:"",e.bitrate_bps?Z(e.bitrate_bps):""].filter(Boolean).join(" · ")}function Ce(e){let t=e.last_written?Date.parse(e.last_written):NaN;return Number.isFinite(t)?`Last recorded ${q(j.value-t)}`:"No picture seen yet"}function Re({c:e}){let[t,a]=u(!1),[r,n]=u(!1);return s`<li class="cam" data-testid="camera-${e.id}">
    <div class="cam-main">
      <h2>${e.name}</h2>
      <${K} state=${M(e)} />
      ${e.state_reason&&e.state!=="recording"&&s`<p class="cam-why cam-why-${M(e)}">${E(e.state_reason)}</p>`}
      <p class="cam-facts">${J(e)&&me(e)||s`<span class="muted">${Ce(e)}</span>`}</p>
      <p class="cam-url mono">${e.main_url||e.address||""}</p>
    </div>
    <div class="cam-tools">
      <a class="ib ib-text" href=${I("cameras",e.id,"","zones")} data-testid="camera-zones-${e.id}"><${c} name="zone" /><span>Zones</span><span class="sr"> of ${e.name}</span></a>
      ${A(T.value?.role)&&s`      <${V} icon="probe" label="Test" text onClick=${()=>n(!0)} disabled=${C.value} testid="camera-test-${e.id}" />
      <a class="ib ib-text" href="#/cameras/${encodeURIComponent(e.id)}" data-testid="camera-edit-${e.id}"><${c} name="edit" /><span>Edit</span><span class="sr"> ${e.name}</span></a>
      <${V} icon="trash" label="Remove" text onClick=${()=>a(!0)} disabled=${C.value} testid="camera-delete-${e.id}" />`}
    </div>
    ${r&&s`<${xe} c=${e} onClose=${()=>n(!1)} />`}
    ${t&&s`<${Ie} c=${e} onClose=${()=>a(!1)} />`}
  </li>`}function xe({c:e,onClose:t}){return s`<${Y} title="Test ${e.name}" onClose=${t} testid="test-dialog"><${F} id=${e.id} auto /><//>`}function F({id:e,auto:t=!1}){let[a,r]=u(!1),[n,o]=u(null),[d,i]=u(!1),l=async()=>{r(!0),o(null);try{o(await w.test(e))}catch(m){o({ok:!1,reason:m.message})}finally{r(!1)}};return t&&!d&&(i(!0),l()),s`<div class="test" data-testid="test-result" data-ok=${n?String(ce(n)):""}>
    <div role="status" aria-live="polite">
      ${a&&s`<p class="test-wait"><i class="spin" aria-hidden="true"></i>Opening the stream. This takes up to 12 seconds.</p>`}
      ${n&&s`<${Se} r=${n} />`}
    </div>
    ${!a&&s`<button type="button" class="button" onClick=${l}>${n?"Test again":"Test the connection"}</button>`}
  </div>`}var ce=e=>e.ok??!(e.error||e.reason);function Te(e){return e.reason?e.reason:typeof e.error=="string"?e.error:e.error?.message??"The camera sent no picture."}function Se({r:e}){let t=ce(e),a=e.audio===!0?"yes":e.audio?W(e.audio):"none";return s`
    <p class="verdict ${t?"verdict-ok":"verdict-bad"}"><${c} name=${t?"check":"cross"} /><b>${t?"The camera answers and sends a picture":"No picture"}</b></p>
    ${e.steps?.length?s`<ol class="steps">${e.steps.map(r=>s`<li key=${r.name} class=${r.ok?"step-ok":"step-bad"}>
      <${c} name=${r.ok?"check":"cross"} size=${16} /><span><span class="sr">${r.ok?"Passed: ":"Failed: "}</span>${r.name}${r.detail&&s` <em>${r.detail}</em>`}${!r.ok&&r.hint&&s`<small>${r.hint}</small>`}</span>
      ${r.ms!==void 0&&s`<span class="mono muted">${r.ms} ms</span>`}</li>`)}</ol>`:null}
    ${t?s`<dl class="facts"><div><dt>Video</dt><dd>${me(e)||"not reported"}</dd></div><div><dt>Audio</dt><dd>${a}</dd></div>
          ${typeof e.ms=="number"&&s`<div><dt>Took</dt><dd>${(e.ms/1e3).toFixed(1)} s</dd></div>`}</dl>`:s`<p>${E(Te(e))}</p>`}`}function Ie({c:e,onClose:t}){let a=async()=>{await w.remove(e.id),y.value=x(y.value,{v:1,t:"camera.removed",d:{id:e.id}},Date.now()),S("good",`${e.name} was removed.`),N("cameras")};return s`<${ee} title="Remove ${e.name}?" verb="Remove camera" keep="Keep it" waits="Removing…" act=${a} onClose=${t} testid="remove">
    <p>Vedette stops recording this camera and forgets its address and password.</p>
    <p class="muted">Its footage is no longer shown here, and stays on the disk until it is the oldest there. Download what you need first.</p>
  <//>`}export{F as CameraTest,ct as CamerasScreen,me as facts};
